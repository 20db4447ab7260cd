from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from cxrlt_core.params.parse import parse_params
from cxrlt_core.params.training import Asl, Bce, ClassBalanced, Focal
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
    "unknown key": ({"train.epoch": 3}, "train.epoch: unknown key"),
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
        {"data.sources.chexpert.uncertain": {"Pneumonias": "one"}},
        "data.sources.chexpert.uncertain: 'Pneumonias' is neither a class of the label space nor default",
    ),
    "unknown views": ({"data.sources.nih.views": "PA"}, "data.sources.nih.views: input should be 'all' or"),
    "unknown aggregate": ({"study.aggregate": "max"}, "study.aggregate: input should be 'none', 'mean' or"),
    "unknown loss": (
        {"loss": {"name": "hinge"}},
        "loss.name: expected 'bce', 'focal', 'asl', 'class_balanced', found 'hinge'",
    ),
    "unnamed loss": ({"loss": {"gamma": 2}}, "loss.name: missing key"),
    "word for a loss": ({"loss": "focal"}, "loss: expected a mapping such as {name: bce}, found 'focal'"),
    "unknown key of a loss": ({"loss": {"name": "focal", "gama": 2}}, "loss.gama: unknown key of focal"),
    "key of another loss": ({"loss": {"name": "bce", "gamma": 2}}, "loss.gamma: unknown key of bce"),
    "negative focus": (
        {"loss": {"name": "asl", "gamma_neg": -1}},
        "loss.gamma_neg: input should be greater than or equal to 0, found -1",
    ),
    "certain margin": ({"loss": {"name": "asl", "clip": 1}}, "loss.clip: input should be less than 1"),
    "beta of one": (
        {"loss": {"name": "class_balanced", "beta": 1}},
        "loss.beta: input should be less than 1",
    ),
    "alpha of zero": ({"loss": {"name": "focal", "alpha": 0}}, "loss.alpha: input should be greater than 0"),
    "loss of a variant": (
        {"variants.resnet50_bert_shared.loss": {"name": "asl", "beta": 0.9}},
        "variants.resnet50_bert_shared.loss.beta: unknown key of asl",
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
    "name": ({"variants.a b": {}}, "variants.a b"),
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


def test_a_missing_key_is_named(smoke_content):
    train = {key: value for key, value in smoke_content["train"].items() if key != "batch_size"}
    with pytest.raises(StudyError, match=r"^mine\.yaml: train\.batch_size: missing key$"):
        parse_params({**smoke_content, "train": train}, "mine.yaml")


def test_replenished_rows_need_a_replenished_variant(smoke_content):
    variants = {k: v for k, v in smoke_content["variants"].items() if v["data"] == "primary"}
    with pytest.raises(StudyError, match=r"^params\.yaml: table2\.2\.replenished: no variant trains on"):
        parse_params({**smoke_content, "variants": variants})


@pytest.mark.parametrize("content", [None, [], "text"])
def test_a_file_without_sections_is_refused(content):
    with pytest.raises(StudyError, match=r"^params\.yaml: expected a mapping of sections"):
        parse_params(content)


def test_numbers_may_be_written_as_yaml_writers_do(changed):
    assert changed({"train.learning_rate": "2e-3"}).train.learning_rate == 0.002
    assert yaml.safe_load("2e-3") == "2e-3"
    assert changed({"reweight.ratio": 3}).reweight.ratio == 3.0
    assert changed({"image_encoders.resnet50.pretrained": "w.safetensors"})


def test_a_variant_may_have_a_loss_of_its_own(changed, smoke_content):
    own = {"variants.resnet50_bert_shared.loss": {"name": "focal", "gamma": 1}}
    params = changed({"loss": {"name": "class_balanced"}, **own})
    assert params.loss_of("resnet50_bert_shared") == Focal(gamma=1.0)
    assert params.loss_of("resnet50_bert_separate") == ClassBalanced(beta=0.9999)
    without = {key: value for key, value in smoke_content.items() if key != "loss"}
    assert parse_params(without).loss_of("resnet50_bert_shared") == Bce()
    assert changed({"loss": {"name": "asl"}}).loss == Asl(gamma_pos=0.0, gamma_neg=4.0, clip=0.05)
    assert changed({"loss": {"name": "focal"}}).loss == Focal(gamma=2.0, alpha=None)


def test_policies_are_spread_over_classes(changed, smoke):
    key = "data.sources.chexpert.uncertain"
    assert smoke.data.sources["nih"].uncertain == {"default": "ignore"}
    assert changed({key: "one"}).data.sources["chexpert"].uncertain == {"default": "one"}
    policies = {"Pneumonia": "one", "Atelectasis": "zero"}
    assert changed({key: policies}).data.sources["chexpert"].uncertain == {"default": "ignore", **policies}


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
