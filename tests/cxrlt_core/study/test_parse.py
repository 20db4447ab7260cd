from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from settings import loss

from cxrlt_core.designs.reweight import reweightings
from cxrlt_core.study.parse import parse_params
from cxrlt_core.study.variants import all_members, contents, loss_of, members, row_members, used_sources
from cxrlt_core.system.errors import StudyError

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_committed_study_parses(file):
    params = parse_params(yaml.safe_load(file.read_text(encoding="utf-8")), file.name)
    assert used_sources(params)[0] == params.data.primary


def refusal(changed, changes: dict) -> str:
    with pytest.raises(StudyError) as caught:
        changed(changes)
    return str(caught.value)


def test_every_mistake_has_its_line_however_long_a_name_is(changed):
    message = refusal(changed, {"train.epochs": 0, "tta.views": 0, "report.titel": "x"})
    keys = [line.split(": ")[1] for line in message.splitlines()]
    assert sorted(keys) == ["report.titel", "train.epochs", "tta.views"]
    message = refusal(changed, {"data.primary": "x" * 3000, "table1.1.variant": "y" * 3000})
    first, second, *_ = message.splitlines()
    assert first.startswith("params.yaml: data.primary: 'xxx") and first.endswith("xxx…") and len(first) < 820
    assert second.startswith("params.yaml: table1.1.variant: 'yyy") and len(second) < 820


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
def test_a_missing_key_says_what_to_write_unless_it_is_misspelt(section, key, usual, smoke_content):
    own = {name: value for name, value in smoke_content[section].items() if name != key}
    for content, line in (
        (own, f"{key}: missing key; write {key}: {usual}"),
        ({**own, f"{key}x": 1}, f"{key}x: unknown key, did you mean {key}?"),
    ):
        with pytest.raises(StudyError) as caught:
            parse_params({**smoke_content, section: content}, "mine.yaml")
        assert str(caught.value) == f"mine.yaml: {section}.{line}"


def test_what_is_declared_may_be_left_out_and_the_margin_has_its_former_name_still(smoke_content):
    former = parse_params({**smoke_content, "evidence": {"negligible": 0.01, "min_positives": 5}}).evidence
    assert (former.margin, former.primary, former.looks) == (0.01, None, None)


def test_members_are_named_or_those_of_the_published_rows(changed, smoke):
    assert members(smoke) == list(smoke.variants)
    two = ["densenet121_bert_reweighted", "resnet50_bert_shared"]
    plain = {"table2": [{"method": "class_wise", "replenished": False}]}
    assert members(changed({**plain, "ensemble.members": two})) == two[::-1]  # in the order of variants
    published = changed({**plain, "ensemble.members": None})
    assert members(published) == [n for n, v in smoke.variants.items() if v.data == "primary"]


def test_a_row_names_its_members_and_itself_and_moves_no_other_one(changed):
    two = ["densenet121_bert_reweighted", "resnet50_bert_shared"]
    own = ["resnet50_t5_mixup_replenished", "resnet50_bert_separate", "resnet50_bert_shared"]
    rows = [{"method": "bagged", "replenished": False}, {"name": "mine", "method": "bagged", "members": own}]
    params = changed({"ensemble.members": two, "table2": rows})
    assert [row.name for row in params.table2] == ["bagged", "mine"]
    first, mine = (row_members(params, row) for row in params.table2)
    # those of others come first, so what is recombined and ranked of them stays as it was
    assert first == members(params) == two[::-1] == all_members(params)[:2]
    assert mine == ["resnet50_bert_shared", "resnet50_bert_separate", "resnet50_t5_mixup_replenished"]
    assert set(all_members(params)) == {*two, *own}


def test_a_variant_is_told_by_what_it_names(smoke):
    own = contents(smoke, "resnet50_bert_shared")
    assert own["weights"] is None and own["loss"] == {"kind": "bce"} and "separate" not in own
    assert own["image"] == smoke.image_encoders["resnet50"].model_dump() and own["train.steps"] == "1 epoch"
    assert contents(smoke, "densenet121_bert_reweighted")["weights"]["ratio"] == 2
    assert contents(smoke, "densenet121_bert_reweighted")["separate"] == {}


def test_rows_that_are_the_same_under_two_names_are_refused(changed, smoke_content):
    """Names of losses and encoders hide nothing; one row would count as a design that it has not."""
    shared, rows = smoke_content["variants"]["resnet50_bert_shared"], smoke_content["table1"]
    copied = {
        "losses.plain": {"kind": "bce"},
        "variants.copied": {**shared, "loss": "plain"},
        "table1": [*rows, {"variant": "copied", "tta": False}],
    }
    assert refusal(changed, copied) == (
        "params.yaml: table1: rows resnet50_bert_shared and copied are equal in every design; "
        "expected variants that differ in more than their names"
    )
    assert changed({**copied, "losses.plain": {"kind": "focal", "gamma": 1, "alpha": None}})
    assert changed({**copied, "table1": [*rows, {"variant": "copied", "tta": True}]})
    # Ratios may meet: ``-S reweight.ratio=3`` makes main and contrast equal, and what trains on them.
    main = {**smoke_content["variants"]["resnet50_t5_contrast_mixup"], "weights": "main"}
    rows = [*rows, {"variant": "on_main", "tta": True}]
    assert changed({"variants.on_main": main, "table1": rows, "reweight.ratio": 3})


def test_numbers_may_be_written_as_yaml_writers_do(changed):
    assert changed({"train.learning_rate": "2e-3"}).train.learning_rate == 0.002
    assert yaml.safe_load("2e-3") == "2e-3"
    assert changed({"reweight.ratio": 3}).reweight.ratio == 3.0
    assert changed({"image_encoders.resnet50.pretrained": "w.safetensors"})
    assert changed({"image_encoders.resnet50.pixels": [0.5, 1]})
    assert changed({"train.epochs": None, "train.steps": 5}).train.steps == 5


def test_a_source_may_state_the_keys_of_its_reader(changed, smoke):
    at = "data.sources.chexpert"
    own = changed({f"{at}.reader": "vindr", f"{at}.readers": 0.3}).data.sources["chexpert"].own
    assert own == {"readers": 0.3} and smoke.data.sources["chexpert"].own == {}


def test_a_variant_names_its_loss(changed):
    mine = {"kind": "focal", "gamma": 1, "alpha": None}
    params = changed({"losses.mine": mine, "variants.resnet50_bert_shared.loss": "mine"})
    assert loss_of(params, "resnet50_bert_shared") == loss("focal", gamma=1)
    assert loss_of(params, "resnet50_bert_separate") == loss("bce")
    assert params.model_dump()["losses"]["mine"] == mine  # what provenance records


def test_every_reweighting_has_its_name(changed):
    mild = {"ratio": 1.5, "rule": "bottom_k", "k": 3}
    params = changed({"reweight.more": {"mild": mild}, "variants.resnet50_bert_shared.weights": "mild"})
    assert {name: found.model_dump() for name, found in reweightings(params.reweight).items()} == {
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


def test_sections_are_frozen_and_rows_have_names(smoke):
    with pytest.raises(ValidationError, match="frozen"):
        smoke.train.epochs = 5
    with pytest.raises(ValidationError, match="frozen"):
        smoke.train = None
    assert [row.name for row in smoke.table1][1:3] == ["resnet50_bert_separate", "resnet50_bert_separate+tta"]
    names = ["model_wise", "class_wise", "class_wise_replenished", "bagged"]
    assert [row.name for row in smoke.table2][:4] == names
