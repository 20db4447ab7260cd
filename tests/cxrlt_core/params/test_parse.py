from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from settings import loss

from cxrlt_core.params.parse import parse_params
from cxrlt_core.system.errors import StudyError

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_committed_study_parses(file):
    params = parse_params(yaml.safe_load(file.read_text(encoding="utf-8")), file.name)
    assert params.used_sources[0] == params.data.primary


def refusal(changed, changes: dict) -> str:
    with pytest.raises(StudyError) as caught:
        changed(changes)
    return str(caught.value)


BAD = {
    "unknown key": ({"train.epoch": 3}, "train.epoch: unknown key, did you mean epochs?"),
    "unknown nested key": ({"train.augment.shear": 3}, "train.augment.shear: unknown key"),
    "unknown section": ({"extra": {}}, "extra: unknown key"),
    "text for a count": ({"train.epochs": "3"}, "train.epochs: input should be a valid integer, found '3'"),
    "switch for a count": (
        {"train.epochs": True},
        "train.epochs: input should be a valid integer, found True",
    ),
    "fraction for a count": ({"tta.views": 2.5}, "tta.views: input should be a valid integer"),
    "switch for a number": ({"train.learning_rate": True}, "train.learning_rate: input should be a number"),
    "switch for a fraction": ({"data.splits.dev": False}, "data.splits.dev: input should be a number"),
    "words for a number": ({"mixup.alpha": "some"}, "mixup.alpha: input should be a valid number"),
    "not a number": ({"train.learning_rate": float("nan")}, "train.learning_rate: input should be a finite"),
    "published nan": ({"table1.0.published": float("nan")}, "table1.0.published: input should be a finite"),
    "infinite": ({"train.augment.rotate": "inf"}, "train.augment.rotate: input should be a finite"),
    "number for a switch": ({"train.augment.flip": 1}, "train.augment.flip: input should be a valid boolean"),
    "list for a section": ({"tta": []}, "tta: input should be a valid dictionary"),
    "negative": ({"reweight.ratio": -1}, "reweight.ratio: input should be greater than 0, found -1"),
    "too large": ({"data.splits.dev": 1.0}, "data.splits.dev: input should be less than 1, found 1.0"),
    "one image a batch": ({"train.batch_size": 1}, "train.batch_size: input should be greater than or equal"),
    "unknown choice": ({"reweight.rule": "best"}, "reweight.rule: input should be 'below_mean', "),
    "unknown policy": (
        {"data.sources.chexpert.uncertain": "maybe"},
        "data.sources.chexpert.uncertain.default: input should be 'ignore', 'zero' or 'one', found 'maybe'",
    ),
    "no policy": ({"data.sources.chexpert.uncertain": 1}, "data.sources.chexpert.uncertain: expected ignore"),
    "policy of no class": (
        {"data.sources.chexpert.uncertain": {"default": "ignore", "Pneumonias": "one"}},
        "data.sources.chexpert.uncertain: 'Pneumonias' is neither a class of the label space nor default",
    ),
    "unknown views": ({"data.sources.nih.views": "PA"}, "data.sources.nih.views: input should be 'all' or"),
    "unknown aggregate": ({"study.aggregate": "max"}, "study.aggregate: input should be 'none', 'mean' or"),
    "unknown kind": (
        {"losses.mine": {"kind": "hinge", "gamma": 1}},
        "losses.mine.kind: unknown kind 'hinge', expected asl, bce, ",
    ),
    "number for a kind": ({"losses.mine": {"kind": 3}}, "losses.mine.kind: unknown kind 3, expected asl,"),
    "no kind": ({"losses.mine": {"gamma": 2}}, "losses.mine.kind: missing key; write kind: bce"),
    "word for a loss": ({"losses.mine": "focal"}, "losses.mine: input should be a valid dictionary"),
    "old section of the loss": ({"loss": {"name": "bce"}}, "loss: unknown key, did you mean losses?"),
    "misspelt key of a loss": (
        {"losses.focal": {"kind": "focal", "gama": 2, "alpha": None}},
        "losses.focal.gama: unknown key, did you mean gamma?",
    ),
    "missing key of a loss": (
        {"losses.mine": {"kind": "focal", "gamma": 2}},
        "losses.mine.alpha: missing key; write alpha: null",
    ),
    "key of another loss": ({"losses.bce.gamma": 2}, "losses.bce.gamma: unknown key"),
    "negative focus": (
        {"losses.asl.gamma_neg": -1},
        "losses.asl.gamma_neg: input should be greater than or equal to 0, found -1",
    ),
    "certain margin": ({"losses.asl.clip": 1}, "losses.asl.clip: input should be less than 1, found 1"),
    "beta of one": ({"losses.class_balanced.beta": 1}, "losses.class_balanced.beta: input should be less"),
    "alpha of zero": ({"losses.focal.alpha": 0}, "losses.focal.alpha: input should be greater than 0"),
    "dangling loss": (
        {"variants.resnet50_bert_shared.loss": "mine"},
        "variants.resnet50_bert_shared.loss: 'mine' is not in losses (bce, asl, focal, class_balanced)",
    ),
    "dangling weights": (
        {"variants.resnet50_bert_shared.weights": "mild"},
        "variants.resnet50_bert_shared.weights: 'mild' is not in uniform and reweight (uniform, main,",
    ),
    "taken weights": (
        {"reweight.more": {"main": {"ratio": 1.5, "rule": "bottom_k", "k": 5}}},
        "reweight.more.main: the name is taken",
    ),
    "half a reweighting": (
        {"reweight.more": {"mild": {"ratio": 1.5, "rule": "bottom_k"}}},
        "reweight.more.mild.k: missing key; write k: 5",
    ),
    "policies without a default": (
        {"data.sources.chexpert.uncertain": {"Pneumonia": "one"}},
        "data.sources.chexpert.uncertain: expected ignore, zero or one, or a mapping of classes and default",
    ),
    "no training patients": ({"data.splits.dev": 0.8}, "data.splits: dev + test must be below 1"),
    "heads": ({"query.heads": 3}, "query: width 16 must be a multiple of heads 3"),
    "a seed twice": ({"train.seeds": [0, 1, 0]}, "train: seeds must differ from each other"),
    "prompt without label": (
        {"text_encoders.pubmedbert.prompt": "x"},
        "text_encoders.pubmedbert: prompt must",
    ),
    "prompt with braces": (
        {"text_encoders.pubmedbert.prompt": "{label} {x}"},
        "text_encoders.pubmedbert: prom",
    ),
    "weights": (
        {"image_encoders.resnet50.pretrained": 1},
        "image_encoders.resnet50.pretrained: input should be",
    ),
    "a smuggled file": (
        {"image_encoders.resnet50.options": {"checkpoint_path": "w.pth"}},
        "image_encoders.resnet50.options: 'checkpoint_path' is no option of a network",
    ),
    "weights by an option": (
        {"image_encoders.resnet50.options": {"pretrained_cfg_overlay": {"file": "w.pth"}}},
        "image_encoders.resnet50.options: 'pretrained_cfg_overlay' is no option of a network",
    ),
    "features": (
        {"image_encoders.resnet50.options": {"features_only": True}},
        "image_encoders.resnet50.options: 'features_only' is no option",
    ),
    "a hub without revision": (
        {"image_encoders.resnet50.model": "hf-hub:a/b"},
        "image_encoders.resnet50: model hf-hub:… needs a revision: a commit or a tag",
    ),
    "a revision of nothing": (
        {"image_encoders.resnet50.revision": "main"},
        "image_encoders.resnet50: revision is of a hub's weights",
    ),
    "a prefix of nothing": (
        {"image_encoders.resnet50.prefix": "module."},
        "image_encoders.resnet50: layout, prefix and rename are of weights, and there are none",
    ),
    "pixels of nothing": (
        {"image_encoders.resnet50.pixels": "weights"},
        "image_encoders.resnet50: pixels: weights is known of a hub's weights alone; of others write [mean, ",
    ),
    "pixels": (
        {"image_encoders.resnet50.pixels": [0.5, 0]},
        "image_encoders.resnet50.pixels: input should be study, weights or [mean, deviation]",
    ),
    "a rule": (
        {"image_encoders.resnet50.rename": [["a"]]},
        "image_encoders.resnet50.rename: ['a'] is no pair of a regular expression and its replacement",
    ),
    "a pattern": (
        {"image_encoders.resnet50.rename": [["(", "x"]]},
        "image_encoders.resnet50.rename: ['(', 'x']: not a regular expression and its replacement: ",
    ),
    "a group that is not there": (
        {"image_encoders.resnet50.rename": [["a", r"\1"]]},
        "image_encoders.resnet50.rename: ['a', '\\\\1']: not a regular expression and its replacement: ",
    ),
    "name": ({"variants.a b": {}}, "variants.a b"),
    "limits that cross": (
        {"data.groups": {"head": 0.02, "tail": 0.1}},
        "data.groups: tail 0.1 must not be above head 0.02",
    ),
    "a device of nothing": (
        {"compute.device": "meta"},
        "compute.device: expected auto, cpu, cuda or cuda:<number>, found 'meta'",
    ),
    "too many threads": (
        {"compute.threads": 100000},
        "compute.threads: input should be less than or equal to 1024, found 100000",
    ),
    "images of a gigapixel": (
        {"image.size": 40000},
        "image.size: input should be less than or equal to 4096",
    ),
    "an absurd batch": ({"train.batch_size": 10**9}, "train.batch_size: input should be less than"),
    "absurd epochs": ({"train.epochs": 10**12}, "train.epochs: input should be less than"),
    "absurd steps": ({"train.epochs": None, "train.steps": 10**12}, "train.steps: input should be less than"),
    "an absurd width": ({"query.width": 2**20}, "query.width: input should be less than"),
    "absurd resamples": ({"bootstrap.resamples": 10**9}, "bootstrap.resamples: input should be less than"),
    "an absurd rate": ({"train.learning_rate": 1e300}, "train.learning_rate: input should be less than"),
    "an absurd ratio": ({"reweight.ratio": 1e12}, "reweight.ratio: input should be less than"),
    "absurd views": ({"tta.views": 10**9}, "tta.views: input should be less than"),
    "no rows": ({"table1": []}, "table1: list should have at least 1 item"),
    "dangling image": (
        {"variants.resnet50_bert_shared.image": "vgg"},
        "variants.resnet50_bert_shared.image: 'vgg'",
    ),
    "dangling text": (
        {"variants.resnet50_bert_shared.text": "gpt"},
        "variants.resnet50_bert_shared.text: 'gpt'",
    ),
    "dangling primary": (
        {"data.primary": "padchest"},
        "data.primary: 'padchest' is not in data.sources (mimic",
    ),
    "dangling extra": (
        {"data.extra": ["nih", "padchest"]},
        "data.extra.1: 'padchest' is not in data.sources",
    ),
    "dangling row": ({"table1.1.variant": "none"}, "table1.1.variant: 'none' is not in variants"),
    "dangling base": ({"reweight.base": "none"}, "reweight.base: 'none' is not in variants"),
    "base that depends on itself": (
        {"reweight.base": "densenet121_bert_reweighted"},
        "reweight.base: 'densenet121_bert_reweighted' must itself train with weights: uniform",
    ),
    "primary as extra": ({"data.extra": ["mimic"]}, "data.extra: a source may be used once"),
    "row twice": (
        {"table1.1.variant": "resnet50_bert_shared"},
        "table1: row resnet50_bert_shared stands twice",
    ),
    "nothing to replenish with": (
        {"data.extra": []},
        "variants.resnet50_t5_mixup_replenished.data: 'replenished'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_line_that_names_the_key(name, changed):
    changes, start = BAD[name]
    message = refusal(changed, changes)
    assert message.startswith(f"params.yaml: {start}")
    assert name == "name" or "\n" not in message


def test_every_mistake_has_its_line(changed):
    message = refusal(changed, {"train.epochs": 0, "tta.views": 0, "report.titel": "x"})
    keys = [line.split(": ")[1] for line in message.splitlines()]
    assert sorted(keys) == ["report.titel", "train.epochs", "tta.views"]


def without(content: dict, section: str, key: str) -> dict:
    return {**content, section: {name: value for name, value in content[section].items() if name != key}}


@pytest.mark.parametrize(
    ("section", "key", "usual"),
    [
        ("train", "warmup", "0.1"),
        ("train", "steps", "null"),
        ("data", "groups", "{head: 0.1, tail: 0.01}"),
        ("demo", "sources", "[]"),
        ("compute", "device", "auto"),
    ],
)
def test_a_missing_key_says_what_to_write(section, key, usual, smoke_content):
    with pytest.raises(StudyError) as caught:
        parse_params(without(smoke_content, section, key), "mine.yaml")
    assert str(caught.value) == f"mine.yaml: {section}.{key}: missing key; write {key}: {usual}"


def test_a_misspelt_key_is_one_line(smoke_content):
    content = without(smoke_content, "train", "warmup")
    content["train"]["warmpu"] = 0.1
    with pytest.raises(StudyError) as caught:
        parse_params(content)
    assert str(caught.value) == "params.yaml: train.warmpu: unknown key, did you mean warmup?"


def test_replenished_rows_need_a_replenished_member(changed):
    message = refusal(changed, {"ensemble.members": ["resnet50_bert_shared"]})
    assert message.startswith(
        "params.yaml: table2.2.replenished: no member of ensemble.members trains on data:"
    )


def test_members_are_named_or_those_of_the_published_rows(changed, smoke):
    assert smoke.members == list(smoke.variants)
    two = ["densenet121_bert_reweighted", "resnet50_bert_shared"]
    plain = {"table2": [{"method": "class_wise", "replenished": False}]}
    assert changed({**plain, "ensemble.members": two}).members == two[::-1]  # in the order of variants
    published = changed({**plain, "ensemble.members": None})
    assert published.members == [n for n, v in smoke.variants.items() if v.data == "primary"]
    rows = [row.model_dump() | {"published": None} for row in smoke.table1]
    message = refusal(changed, {**plain, "ensemble.members": None, "table1": rows})
    assert message.startswith("params.yaml: ensemble.members: no variant of a published row")
    message = refusal(changed, {**plain, "ensemble.members": ["vgg"]})
    assert message.startswith("params.yaml: ensemble.members.0: 'vgg' is not in variants (resnet50_bert_sha")


def test_a_variant_is_told_by_what_it_names(smoke):
    own = smoke.content_of("resnet50_bert_shared")
    assert own["weights"] is None and own["loss"] == {"kind": "bce"} and own["separate"] is False
    assert own["image"] == smoke.image_encoders["resnet50"].model_dump()
    assert smoke.content_of("densenet121_bert_reweighted")["weights"]["ratio"] == 2
    assert own.keys() == smoke.variants["resnet50_bert_shared"].model_dump().keys()


def test_rows_that_are_the_same_under_two_names_are_refused(changed, smoke_content):
    """Names of losses and encoders hide nothing; one row would count as a design that it has not."""
    shared = smoke_content["variants"]["resnet50_bert_shared"]
    copied = {
        "losses.plain": {"kind": "bce"},
        "variants.copied": {**shared, "loss": "plain"},
        "table1": [*smoke_content["table1"], {"variant": "copied", "tta": False}],
    }
    assert refusal(changed, copied) == (
        "params.yaml: table1: rows resnet50_bert_shared and copied are equal in every design; "
        "expected variants that differ in more than their names"
    )
    assert changed({**copied, "losses.plain": {"kind": "focal", "gamma": 1, "alpha": None}})
    assert changed({**copied, "table1": [*smoke_content["table1"], {"variant": "copied", "tta": True}]})


def test_ratios_may_meet(changed, smoke_content):
    """``-S reweight.ratio=3`` makes the weights main and contrast equal, and what trains on them."""
    main = {**smoke_content["variants"]["resnet50_t5_contrast_mixup"], "weights": "main"}
    rows = [*smoke_content["table1"], {"variant": "on_main", "tta": True}]
    assert changed({"variants.on_main": main, "table1": rows, "reweight.ratio": 3})


@pytest.mark.parametrize("content", [None, [], "text"])
def test_a_file_without_sections_is_refused(content):
    with pytest.raises(StudyError, match=r"^params\.yaml: expected a mapping of sections"):
        parse_params(content)


def test_numbers_may_be_written_as_yaml_writers_do(changed):
    assert changed({"train.learning_rate": "2e-3"}).train.learning_rate == 0.002
    assert yaml.safe_load("2e-3") == "2e-3"
    assert changed({"reweight.ratio": 3}).reweight.ratio == 3.0
    assert changed({"image_encoders.resnet50.pretrained": "w.safetensors"})
    assert changed({"image_encoders.resnet50.pixels": [0.5, 1]})


def test_a_variant_names_its_loss(changed):
    mine = {"kind": "focal", "gamma": 1, "alpha": None}
    params = changed({"losses.mine": mine, "variants.resnet50_bert_shared.loss": "mine"})
    assert params.loss_of("resnet50_bert_shared") == loss("focal", gamma=1)
    assert params.loss_of("resnet50_bert_separate") == loss("bce")
    assert params.model_dump()["losses"]["mine"] == mine  # what provenance records


def test_every_reweighting_has_its_name(changed):
    mild = {"ratio": 1.5, "rule": "bottom_k", "k": 3}
    params = changed({"reweight.more": {"mild": mild}, "variants.resnet50_bert_shared.weights": "mild"})
    assert {name: found.model_dump() for name, found in params.reweightings.items()} == {
        "main": {"ratio": 2, "rule": "below_mean", "k": 5},
        "contrast": {"ratio": 3, "rule": "below_mean", "k": 5},
        "mild": mild,
    }


def test_policies_are_spread_over_classes(changed, smoke):
    key = "data.sources.chexpert.uncertain"
    assert smoke.data.sources["nih"].uncertain == {"default": "ignore"}
    assert changed({key: "one"}).data.sources["chexpert"].uncertain == {"default": "one"}
    policies = {"default": "ignore", "Pneumonia": "one", "Atelectasis": "zero"}
    assert changed({key: policies}).data.sources["chexpert"].uncertain == policies


def test_sections_are_frozen(smoke):
    with pytest.raises(ValidationError, match="frozen"):
        smoke.train.epochs = 5
    with pytest.raises(ValidationError, match="frozen"):
        smoke.train = None


def test_row_names(smoke):
    assert [row.name for row in smoke.table1][1:3] == ["resnet50_bert_separate", "resnet50_bert_separate+tta"]
    assert [row.name for row in smoke.table2][:4] == [
        "model_wise",
        "class_wise",
        "class_wise_replenished",
        "bagged",
    ]
