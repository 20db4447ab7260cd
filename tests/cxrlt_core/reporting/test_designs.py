import pytest

from cxrlt_core.evidence.contrasts import find_pairs
from cxrlt_core.params.schema import Params, Variant
from cxrlt_core.reporting.designs import ensemble_designs, row_designs, texts


def shown(params: Params) -> dict[str, dict[str, str]]:
    return {row.name: texts(row_designs(params, row)) for row in params.table1}


def test_design_columns_tell_the_variant_and_the_ensemble(smoke):
    by_name = shown(smoke)
    encoders = {"image encoder": "resnet50", "text encoder": "pubmedbert"}
    rest = ("separate", "loss", "reweight", "MixUp", "replenished", "TTA")
    assert by_name["resnet50_bert_shared"] == encoders | dict.fromkeys(rest, "")
    contrast = by_name["resnet50_t5_contrast_mixup+tta"]
    columns = ("separate", "reweight", "MixUp", "TTA")
    assert [contrast[name] for name in columns] == ["✓", "3", "✓", "✓"]
    assert by_name["densenet121_bert_reweighted+tta"]["reweight"] == "2"
    found = [texts(ensemble_designs(row)) for row in smoke.table2]
    assert found[2] == {"ensemble": "class-wise", "replenished": "✓"}
    assert found[3] == {"ensemble": "bagged", "replenished": ""}


def test_a_loss_other_than_bce_is_a_design_and_a_further_reweighting_is_told_by_its_name(changed):
    mine = {"losses.mine": {"kind": "focal", "gamma": 1, "alpha": None}, "losses.plain": {"kind": "bce"}}
    names = {f"variants.resnet50_bert_{v}.loss": n for v, n in (("shared", "mine"), ("separate", "plain"))}
    losses = [row["loss"] for row in shown(changed({**mine, **names})).values()]
    assert losses[0] == "mine" and set(losses[1:]) == {""}
    # the rule of a further reweighting may be another: its ratio alone would not tell it from main
    mild = {"reweight.more": {"mild": {"ratio": 2, "rule": "bottom_k", "k": 5}}}
    by_name = shown(changed({**mild, "variants.resnet50_bert_shared.weights": "mild"}))
    assert by_name["resnet50_bert_shared"]["reweight"] == "2 mild"
    assert by_name["densenet121_bert_reweighted+tta"]["reweight"] == "2"


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
    params = changed(changes)
    first, second = (row_designs(params, row) for row in params.table1[:2])
    assert [name for name in first if first[name] != second[name]] == expected


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
    plain = {"image": "resnet50", "text": "pubmedbert", "loss": "bce", "weights": "uniform", "init": "none"}
    names = ("resnet50_bert_shared", "densenet121_bert_reweighted", "resnet50_t5_contrast_mixup")
    changes = dict(zip(names, variants.values(), strict=False))
    content = {f"variants.{name}": {**plain, "data": "primary", **own} for name, own in changes.items()}
    return changed({"recipes": recipes, **content})


def test_what_recipes_change_is_a_column_and_what_changes_together_is_one(changed):
    recipes = {"long": {"train": {"epochs": 3}}}
    recipes["large"] = {"image": {"size": 64}, "train": {"batch_size": 8}}
    shown_rows = shown(with_variants(changed, recipes, a={}, b={"recipe": "long"}, c={"recipe": "large"}))
    rows = [shown_rows[name] for name in ("resnet50_bert_shared", "densenet121_bert_reweighted+tta")]
    assert [row["epochs"] for row in rows] == ["1", "3"]
    assert rows[0]["batch_size + size"] == rows[1]["batch_size + size"] == "32, 32"
    assert shown_rows["resnet50_t5_contrast_mixup+tta"]["batch_size + size"] == "8, 64"
    rows = shown(with_variants(changed, {"same": {"train": {"epochs": 1}}}, a={"recipe": "same"}))
    assert "epochs" not in rows["resnet50_bert_shared"]


def test_a_start_and_settings_of_a_design_are_told_where_rows_differ_in_them(changed):
    rows = shown(with_variants(changed, {}, a={}, b={"init": "resnet50_bert_separate"}))
    assert rows["resnet50_bert_shared"]["start"] == ""
    assert rows["densenet121_bert_reweighted+tta"]["start"] == "resnet50_bert_separate"
    rows = shown(with_variants(changed, {}, a={"mixup": 0.1}, b={"mixup": 0.3}, c={"r_drop": 2}))
    assert rows["resnet50_bert_shared"]["MixUp"] == "alpha 0.1"
    assert rows["densenet121_bert_reweighted+tta"]["MixUp"] == "alpha 0.3"
    assert rows["resnet50_t5_contrast_mixup+tta"]["R-Drop"] == "2"
