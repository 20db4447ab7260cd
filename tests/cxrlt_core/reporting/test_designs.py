import pytest

from cxrlt_core.designs import find_design
from cxrlt_core.evidence.contrasts import find_pairs
from cxrlt_core.params.schema import Params, Variant
from cxrlt_core.reporting.designs import row_designs, selects, texts
from cxrlt_core.study.variants import replenished


def shown(params: Params) -> dict[str, dict[str, str]]:
    return {row.name: texts(row_designs(params, row)) for row in params.table1}


def test_design_columns_tell_the_variant(smoke):
    by_name = shown(smoke)
    assert by_name["resnet50_bert_shared"] == {
        "image encoder": "resnet50",
        "text encoder": "pubmedbert",
        "separate": "",
        "loss": "",
        "reweight": "",
        "MixUp": "",
        "replenished": "",
        "TTA": "",
    }
    contrast = by_name["resnet50_t5_contrast_mixup+tta"]
    columns = ("separate", "reweight", "MixUp", "TTA")
    assert [contrast[name] for name in columns] == ["✓", "3", "✓", "✓"]
    assert by_name["densenet121_bert_reweighted+tta"]["reweight"] == "2"


def test_a_reweighting_beyond_the_two_is_told_by_its_name(changed):
    """Its rule may be another one, so its ratio alone would not tell it from main."""
    mild = {"reweight.more": {"mild": {"ratio": 2, "rule": "bottom_k", "k": 5}}}
    by_name = shown(changed({**mild, "variants.resnet50_bert_shared.weights": "mild"}))
    assert by_name["resnet50_bert_shared"]["reweight"] == "2 mild"
    assert by_name["densenet121_bert_reweighted+tta"]["reweight"] == "2"


def test_a_loss_other_than_bce_is_a_design(changed):
    mine = {"losses.mine": {"kind": "focal", "gamma": 1, "alpha": None}, "losses.plain": {"kind": "bce"}}
    names = {f"variants.resnet50_bert_{v}.loss": n for v, n in (("shared", "mine"), ("separate", "plain"))}
    losses = [row["loss"] for row in shown(changed({**mine, **names})).values()]
    assert losses[0] == "mine" and set(losses[1:]) == {""}


def differing(params: Params) -> list[str]:
    """What the second row of Table 1 has other than the first."""
    first, second = (row_designs(params, row) for row in params.table1[:2])
    return [name for name in first if first[name] != second[name]]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["separate"]),
        (  # another name for the same loss is no difference
            {"losses.same": {"kind": "bce"}, "variants.resnet50_bert_separate.loss": "same"},
            ["separate"],
        ),
        (  # other settings of the same kind are one
            {
                "losses.one": {"kind": "focal", "gamma": 1, "alpha": None},
                "losses.two": {"kind": "focal", "gamma": 2, "alpha": None},
                "variants.resnet50_bert_shared.loss": "one",
                "variants.resnet50_bert_separate.loss": "two",
            },
            ["separate", "loss"],
        ),
        ({"variants.resnet50_bert_separate.image": "densenet121"}, ["image encoder", "separate"]),
        ({"variants.resnet50_bert_shared.weights": "main"}, ["separate", "reweight"]),
    ],
)
def test_rows_differ_where_their_contents_do(changed, changes, expected):
    assert differing(changed(changes)) == expected


def test_a_field_that_nobody_wrote_down_is_a_design(smoke):
    """A row is never equal to its baseline because the tables do not know what it tries."""

    class Wider(Variant):
        crop: float

    content = smoke.variants["resnet50_bert_shared"].model_copy().__dict__
    wider = {name: Wider.model_construct(**content, crop=crop) for name, crop in (("a", 0.5), ("b", 0.7))}
    table1 = [row.model_copy(update={"variant": n}) for n, row in zip(wider, smoke.table1, strict=False)]
    params = smoke.model_copy(update={"variants": wider, "table1": table1})
    [pair] = find_pairs({row.variant: row_designs(params, row) for row in table1})
    assert (pair.design, pair.change) == ("crop", "0.5 → 0.7")


def with_variants(changed, recipes: dict, **variants: dict) -> Params:
    """The smoke study with other variants in place of the first ones of its table."""
    plain = {
        "image": "resnet50",
        "text": "pubmedbert",
        "loss": "bce",
        "weights": "uniform",
        "data": "primary",
    }
    names = ("resnet50_bert_shared", "densenet121_bert_reweighted", "resnet50_t5_contrast_mixup")
    changes = dict(zip(names, variants.values(), strict=False))
    content = {
        f"variants.{name}": {**plain, "data": "primary", "init": "none", **own}
        for name, own in changes.items()
    }
    return changed({"recipes": recipes, **content})


def test_what_recipes_change_is_a_column_and_what_changes_together_is_one(changed):
    recipes = {"long": {"train": {"epochs": 3}}}
    recipes["large"] = {"image": {"size": 64}, "train": {"batch_size": 8}}
    shown_rows = shown(with_variants(changed, recipes, a={}, b={"recipe": "long"}, c={"recipe": "large"}))
    rows = [shown_rows[name] for name in ("resnet50_bert_shared", "densenet121_bert_reweighted+tta")]
    assert [row["steps"] for row in rows] == ["1 epoch", "3 epochs"]
    assert rows[0]["batch_size + size"] == rows[1]["batch_size + size"] == "32, 32"
    assert shown_rows["resnet50_t5_contrast_mixup+tta"]["batch_size + size"] == "8, 64"


def test_a_recipe_that_changes_nothing_is_no_column(changed):
    recipes = {"same": {"train": {"epochs": 1}}}
    assert "steps" not in shown(with_variants(changed, recipes, a={"recipe": "same"}))["resnet50_bert_shared"]


def test_replenished_data_come_with_more_steps_unless_the_steps_are_stated(changed):
    """As many epochs are more steps then, and no pair is called by the data alone."""

    def differing(**both: str) -> list[str]:
        recipes = {"equal": {"train": {"steps": 5}}}
        params = with_variants(changed, recipes, a=both, b={"data": "replenished", **both})
        names = ("resnet50_bert_shared", "densenet121_bert_reweighted+tta")
        first, second = (row_designs(params, row) for row in params.table1 if row.name in names)
        return [name for name in first if first[name] != second[name] and name != "TTA"]

    assert differing() == ["replenished", "steps"]
    assert differing(recipe="equal") == ["replenished"]


def test_a_start_is_a_column(changed):
    rows = shown(with_variants(changed, {}, a={}, b={"init": "resnet50_bert_separate"}))
    assert rows["resnet50_bert_shared"]["start"] == ""
    assert rows["densenet121_bert_reweighted+tta"]["start"] == "resnet50_bert_separate"


def test_what_chose_or_fed_a_start_did_so_for_what_starts_from_it(changed):
    start = {"init": "resnet50_bert_separate"}
    params = with_variants(changed, {}, a={}, b=start, c={**start, "mixup": 0.1})
    parent = params.variants["resnet50_bert_separate"]
    children = {"densenet121_bert_reweighted", "resnet50_t5_contrast_mixup"}
    assert not any(selects(params, name) or replenished(params, name) for name in children)
    other = parent.model_copy(update={"weights": "main", "data": "replenished"})
    params.variants["resnet50_bert_separate"] = other
    assert all(selects(params, name) and replenished(params, name) for name in children)
    assert not selects(params, "resnet50_bert_shared") and not replenished(params, "resnet50_bert_shared")


def test_a_key_of_a_recipe_that_is_called_as_a_design_is_a_column_of_its_own(changed, monkeypatch):
    monkeypatch.setattr(find_design("mixup"), "TITLE", "dropout")
    recipes = {"drops": {"query": {"dropout": 0.3}}}
    rows = shown(with_variants(changed, recipes, a={}, b={"mixup": 0.1}, c={"recipe": "drops"}))
    row = rows["resnet50_t5_contrast_mixup+tta"]
    assert (row["dropout"], row["query.dropout"]) == ("", "0.3")


def test_settings_of_a_design_are_told_where_rows_differ_in_them(changed):
    rows = shown(with_variants(changed, {}, a={"mixup": 0.1}, b={"mixup": 0.3}, c={"r_drop": 2}))
    assert rows["resnet50_bert_shared"]["MixUp"] == "alpha 0.1"
    assert rows["densenet121_bert_reweighted+tta"]["MixUp"] == "alpha 0.3"
    assert rows["resnet50_t5_contrast_mixup+tta"]["R-Drop"] == "2"
