from dataclasses import replace
from io import StringIO

import pandas as pd
import pytest
from made_results import make_results

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.external import ClassCounts, ExternalResults, ExternalRow, Numbers
from cxrlt_core.reporting.external_report import (
    external_sections,
    table3_csv,
    table3_json,
    table3_markdown,
)
from cxrlt_core.reporting.report import REPORT, render

FEW = Numbers(AUROC=Interval(0.7, None, None))
MEANS = Numbers(
    AUROC=Interval(0.8, 0.7, 0.9), AP=Interval(0.3, 0.2, 0.4), matched_AP=Interval(0.5, 0.4, 0.6),
    own_AUROC=0.85, own_AP=0.6, AUROC_drop=Interval(0.05, -0.05, 0.15), AP_drop=Interval(0.1, 0.02, 0.18),
    F1=0.4, ECE_scaled=0.03,
)  # fmt: skip
ROW = ExternalRow(None, {"exact": MEANS, "near": FEW}, {"Edema": MEANS, "Hernia": FEW, "Mass": FEW})
COUNTS = {
    "Mass": ClassCounts("near", 30, 300, 25, 0.2),
    "Edema": ClassCounts("exact", 60, 240, 41, 0.3),
    "Hernia": ClassCounts("exact", 19, 300, 19, 0.1),
}
STRUCK = ExternalRow("extra trained on nih")
ROWS = {"model_wise": ROW, "class_wise": ROW, "class_wise_replenished": STRUCK}
ALONE = {"base": ExternalRow(None, {"exact": replace(MEANS, AUROC_drop=Interval(None, None, None))})}
FOUND = {"vindr": ExternalResults(300, 250, False, False, COUNTS, ROWS, ALONE)}


@pytest.fixture
def study(changed):
    entry = dict.fromkeys(("labels", "images"), "a") | {"views": "all", "uncertain": "ignore"}
    entry |= {"test_list": None, "split": None, "hospital": None, "human": False, "published": {"KAD": 0.7}}
    params = changed({"data.external": {"vindr": {"reader": "table", **entry}}})
    return make_results(params, external=FOUND)


def test_without_a_set_the_report_is_what_it_was_and_the_tables_are_empty(study):
    none = replace(study, external={})
    assert external_sections(none) == [] and "Table 3" not in render(none, [])
    assert table3_json({}) == {} and "`data.external` is empty" in table3_markdown({})
    assert len(pd.read_csv(StringIO(table3_csv({}, "Demo.")))) == 0


def test_rows_stand_in_a_block_for_exact_and_one_for_near_classes_and_struck_ones_by_name(study):
    [section] = external_sections(study)
    assert section in render(study, [])[REPORT]
    assert "### `vindr`: another hospital, labels of a machine\n\n300 images of 250 patients." in section
    exact, near = (section.index(f"Over 1 class {what}") for what in ("that the set labels, 60", "of which"))
    assert exact < near and section.count("| `model_wise` |") == 2
    assert section.count("| `base (alone)` | 0.8000 [0.7000, 0.9000] | – | 0.5000") == 1
    line = next(line for line in section.splitlines() if line.startswith("| `model_wise` |"))
    assert line == (
        "| `model_wise` | 0.8000 [0.7000, 0.9000] | +0.0500 [-0.0500, +0.1500] | 0.5000 [0.4000, 0.6000] | "
        "+0.1000 [+0.0200, +0.1800] | 0.3000 [0.2000, 0.4000] | 0.4000 | 0.0300 |"
    )
    assert "By chance AP is 0.3000 at own prevalence and 0.2500 as it is there." in section
    assert "- ~~`class_wise_replenished`~~: extra trained on nih\n" in section
    assert "| `class_wise_replenished` |" not in section
    assert "with other training data: KAD 0.7000." in section
    assert "By class, `model_wise`" in section and "None" not in section  # since the other is struck


def test_positives_and_patients_stand_beside_every_class_and_few_positives_have_no_ap(study):
    [section] = external_sections(study)
    lines = [line for line in section.splitlines() if line.startswith(("| Edema", "| Hernia", "| Mass"))]
    edema, hernia, mass = lines
    assert edema.startswith("| Edema | exact | 60 | 240 | 41 | 0.8000 [0.7000, 0.9000] |")
    assert hernia == "| Hernia | exact | 19 | 300 | 19 | 0.7000 | – | – | – | – |"
    assert mass.startswith("| Mass | near | 30 | 300 | 25 | 0.7000 |")


def test_labels_of_the_own_hospital_are_called_that(study):
    own = {"gold": replace(FOUND["vindr"], own=True, human=True)}
    assert "### `gold`: images of the own hospital, human labels\n" in table3_markdown(own)


def test_the_files_have_a_line_a_set_row_and_kind_and_the_few_numbers_to_watch():
    table = pd.read_csv(StringIO(table3_csv(FOUND, "Demo.")))
    assert table[["row", "kind", "labels"]].fillna("").values.tolist() == [
        ["model_wise", "ensemble", "exact"], ["model_wise", "ensemble", "near"],
        ["class_wise", "ensemble", "exact"], ["class_wise", "ensemble", "near"],
        ["class_wise_replenished", "ensemble", ""], ["base", "variant", "exact"],
    ]  # fmt: skip
    assert (table["note"] == "Demo.").all() and table["struck"].notna().sum() == 1
    first = table.iloc[0]
    assert (first["positives"], first["chance"], first["AUROC_drop_high"], first["F1"]) == (
        60,
        0.25,
        0.15,
        0.4,
    )
    found = table3_json(FOUND)["vindr"]
    assert found["model_wise"] == {"AUROC": 0.8, "matched_AP": 0.5}
    assert found["class_wise_replenished"] == {"AUROC": None, "matched_AP": None}
