import numpy as np
import pytest

from cxrlt_core.reporting import figure_data as data
from cxrlt_core.reporting.tables import Row

CLASSES = {
    "Hernia": {"group": "tail", "prevalence": 0.002},
    "Edema": {"group": "head", "prevalence": 0.3},
    "Mass": {"group": "tail", "prevalence": None},
}
METRICS = {"mAP": 0.3, "mAP_low": 0.2, "mAP_high": 0.4}


def row(name: str, **design: str) -> Row:
    return Row(name, design, METRICS, {}, [0.3], [0.0, 0.0, 0.0], 0.31, selected=name == "b")


def test_rows_are_named_by_number_and_designs():
    designs = {"image encoder": "resnet50", "reweight": "2", "loss": "asl", "TTA": "✓", "MixUp": ""}
    assert data.row_label(row("a", **designs), 4) == "4  resnet50, reweight ×2, asl loss, TTA"
    first, second = data.of_table([row("a", models="8"), row("b", ensemble="bagged")])
    assert first == {
        "row": "1  8 models",
        "mAP": 0.3,
        "low": 0.2,
        "high": 0.4,
        "published": 0.31,
        "selected": False,
    }
    assert second["selected"]


def test_contrasts_name_rows_by_number_and_are_flat():
    one = {
        "what": "TTA", "change": "off → ✓", "family": "primary", "published": None, "verdict": "unresolved",
        "rows": ["b", "a"], "difference": [0.1, 0.0, 0.2], "simultaneous": [-0.1, 0.3],
    }  # fmt: skip
    (found,) = data.of_contrasts([row("a"), row("b")], [one])
    assert found["rows"] == "2 − 1" and (found["difference"], found["low"], found["high"]) == (0.1, 0.0, 0.2)
    assert (found["simultaneous_low"], found["simultaneous_high"]) == (-0.1, 0.3)


def test_scores_of_several_predictions_stand_side_by_side():
    entry = {"AP": 0.4, "AP_low": 0.3, "AP_high": 0.5, "positive": 5, "known": 50}
    undefined = {"AP": None, "AP_low": None, "AP_high": None, "positive": 0, "known": 0}
    scored = {"base": {"Hernia": entry, "Edema": entry, "Mass": undefined}}
    first, _, last = data.of_scores(CLASSES, scored)
    assert first == {
        "class": "Hernia", "group": "tail", "prevalence": 0.002, "positive": 5, "chance": 0.1,
        "base": 0.4, "base_low": 0.3, "base_high": 0.5,
    }  # fmt: skip
    assert last["base"] is None and last["chance"] is None


def test_classes_are_upweighted_by_all_seeds_some_or_none():
    seeds = {"0": {"Hernia": 2.0, "Edema": 1.0, "Mass": 2.0}, "1": {"Hernia": 2.0, "Edema": 1.0, "Mass": 1.0}}
    weights = {"weights": {"Hernia": 2.0, "Edema": 1.0, "Mass": 1.5}}
    weights["seeds"] = {seed: {"weights": its} for seed, its in seeds.items()}
    expected = {"upweighted": ["Hernia"], "in some seeds": ["Mass"], "left alone": ["Edema"]}
    assert data.upweighted(weights) == expected
    found = data.of_reweighting(CLASSES, {name: [0.1, 0.0, 0.2] for name in CLASSES}, weights)
    assert [(one["block"], one["weight"]) for one in found] == [
        ("upweighted", 2.0), ("left alone", 1.0), ("in some seeds", 1.5),
    ]  # fmt: skip
    always = {**weights, "seeds": {"0": weights["seeds"]["0"]}}
    assert list(data.upweighted(always)) == ["upweighted", "left alone"]


def test_choices_have_weight_and_share_of_each_model():
    entry = {
        "models": ["m1", "m2"], "stability": dict.fromkeys(CLASSES, 0.8),
        "weights": {name: [1.0, 0.0] for name in CLASSES},
        "chosen_again": {name: [0.8, 0.2] for name in CLASSES},
    }  # fmt: skip
    first, *_ = data.of_choice(CLASSES, entry)
    assert (first["m1"], first["m1_again"], first["m2_again"], first["stability"]) == (1.0, 0.8, 0.2, 0.8)


def test_pairs_of_classes_are_sorted_by_prevalence_and_have_no_diagonal():
    both, known = np.array([[4, 1, 0], [1, 30, 0], [0, 0, 0]]), np.array([[4, 2, 4], [4, 30, 30], [0, 0, 0]])
    found = data.of_together(CLASSES, list(CLASSES), both, known)
    assert [one["class"] for one in found[::3]] == ["Edema", "Hernia", "Mass"]
    shares = {(one["class"], one["other"]): one["share"] for one in found}
    assert shares["Hernia", "Edema"] == 0.5 and shares["Edema", "Hernia"] == 0.25
    assert shares["Edema", "Edema"] is None and shares["Mass", "Edema"] is None
    assert found[1]["expected"] == 0.002 and found[2]["expected"] is None


def test_curves_become_records():
    bins = {"labels": [3, 0], "score": [0.1, None], "share": [0.2, None]}
    curves = {
        "reliability": {"scaled": bins},
        "precision_recall": {"Mass": {"recall": [1.0], "precision": [0.5]}},
    }
    assert data.of_reliability(curves)[0] == {"which": "scaled", "labels": 3, "score": 0.1, "share": 0.2}
    assert data.of_precision_recall(curves) == [{"class": "Mass", "recall": 1.0, "precision": 0.5}]


def test_a_row_costs_what_its_models_took_with_one_seed():
    costs = {"v": [{"seconds": 10}, {"seconds": 20}], "w": [{"seconds": 5}, {"seconds": 5}]}
    first, second = data.of_costs([row("a"), row("b")], "Table 2", [["v"], ["v", "w"]], costs)
    assert (first["seconds"], second["seconds"]) == (15, 20) and second["number"] == 2
    assert first["table"] == "Table 2" and first["mAP"] == pytest.approx(0.3)
