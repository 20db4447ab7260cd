import dataclasses
import re

import pytest

from cxrlt_core.params import Params
from cxrlt_core.report import DEMO_WARNING, Study, render
from cxrlt_core.tables import Row

CLASSES = {
    "Edema": {"group": "head", "prevalence": 0.3},
    "Hernia": {"group": "tail", "prevalence": 0.001},
    "Mass": {"group": "tail", "prevalence": None},
}
NUMBERS = ("mAP", "mAP_low", "mAP_high", "mAP_head", "mAP_medium", "mAP_tail", "mAUROC")


def make_row(name: str, value: float | None) -> Row:
    numbers = dict.fromkeys(NUMBERS, value)
    return Row(name, {"TTA": "✓"}, numbers, dict.fromkeys(NUMBERS), [0.0, 0.0, 0.0], 0.3, 10.0)


def make_study(params: Params) -> Study:
    counts = {name: {"positive": 3, "negative": 9, "unknown": 0} for name in CLASSES}
    counts["Mass"] = {"positive": 0, "negative": 0, "unknown": 12}
    size = {"images": 1200, "patients": 12, "studies": 12, "classes": counts}
    sets = dict.fromkeys(("train_primary", "train_replenished", "dev", "test"), size)
    scores = {name: {"AP": 0.5, "AUROC": 0.6} for name in CLASSES}
    scores["Mass"] = {"AP": None, "AUROC": None}
    weights = {"rule": "below_mean", "threshold": 0.25, "weights": {"Edema": 1.0, "Hernia": 2.0, "Mass": 1.0}}
    cost = {"seconds": 5.0, "device": "CPU", "steps": 9, "images": 1200, "passes": 1, "peak_memory_mib": 1024}
    return Study(
        params=params,
        summary={"classes": list(CLASSES), "sets": sets},
        classes=CLASSES,
        table1=[make_row("base", 0.25), make_row("base+tta", None)],
        table2=[make_row("model_wise", 0.25), make_row("class_wise", 0.5)],
        ensembles={n: {"dev_mAP": 0.6, "classes": scores} for n in ("model_wise", "class_wise")},
        costs=dict.fromkeys(params.variants, cost),
        weights={"main": {**weights, "ratio": 2.0}, "contrast": {**weights, "ratio": 3.0}},
        versions={"torch": "2"},
        revision="abc1234",
        figures=["table1.png", "choice_class_wise.png"],
    )


@pytest.fixture
def study(smoke) -> Study:
    return make_study(smoke)


def test_the_demo_says_so_first(study):
    assert render(study).startswith(DEMO_WARNING)


def test_real_images_carry_no_demo_warning(changed):
    real = render(make_study(changed({"demo.sources": [], "demo.text_encoders": []})))
    assert "demo" not in real.casefold() and real.startswith("# Smoke test")
    standins = render(make_study(changed({"demo.sources": []})))
    assert DEMO_WARNING not in standins and "untrained stand-ins" in standins.splitlines()[0]


def test_every_table_is_well_formed(study):
    tables = re.findall(r"(?:^\|.*\n)+", render(study), flags=re.MULTILINE)
    assert len(tables) == 7
    for table in tables:
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1 and len(lines) > 2, table
        assert set(lines[1]) <= set("| -")


def test_undefined_numbers_never_show_as_none_or_nan(study):
    text = render(study)
    assert "None" not in text and not re.search(r"\bnan\b", text)
    assert "| Mass | tail | – |" in text and "Mass (dev), Mass (test)" in text


def test_upweighted_classes_are_named(study):
    assert "base below 0.2500), by 2 in `main` and 3 in `contrast`: Hernia." in render(study)
    main = {**study.weights["main"], "rule": "bottom_k"}
    other = dataclasses.replace(study, weights={**study.weights, "main": main})
    assert "base up to 0.2500)" in render(other)


def test_aggregation_over_studies_is_explained(changed, study):
    assert "`study.aggregate" not in render(study)
    text = render(make_study(changed({"study.aggregate": "view_weighted"})))
    assert "weighted mean (PA 7, AP 7, LATERAL 3, OTHER 5)" in text
    assert "`study.aggregate: mean`" in render(make_study(changed({"study.aggregate": "mean"})))


def test_only_drawn_figures_of_choice_and_examples_are_linked(study):
    text = render(study)
    assert "figures/choice_class_wise.png" in text and "figures/examples.png" not in text


def test_the_same_study_gives_the_same_text(study, smoke):
    assert render(study) == render(make_study(smoke))
