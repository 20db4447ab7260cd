import io
from types import SimpleNamespace

import pandas as pd

from cxrlt_core.reporting.plot_data import classes_csv, contrasts_csv


def read(text):
    return pd.read_csv(io.StringIO(text))


def test_classes_of_every_variant_commonest_first():
    classes = {"Mass": {"group": "tail", "prevalence": 0.01}, "Edema": {"group": "head", "prevalence": 0.2}}
    scores = {"positive": 3, "AP": 0.5, "AUROC": None}
    metrics = {name: {"classes": {"Mass": {**scores, "AP": 0.25}, "Edema": scores}} for name in ("a", "b")}
    table = read(classes_csv(classes, metrics, "a demo"))
    assert table["variant"].tolist() == ["a", "a", "b", "b"]
    assert table["class"].tolist() == ["Edema", "Mass"] * 2
    assert set(table["note"]) == {"a demo"}
    assert table["AP"].tolist() == [0.5, 0.25] * 2 and table["prevalence"].tolist() == [0.2, 0.01] * 2


def test_differences_have_the_interval_of_their_family():
    one = {
        "what": "TTA", "change": "off → ✓", "rows": ["b", "a"], "family": "primary",
        "difference": [0.1, 0.08, 0.12], "simultaneous": [0.05, 0.15], "published": None, "verdict": "up",
    }  # fmt: skip
    rows = [SimpleNamespace(name="a"), SimpleNamespace(name="b")]
    tables = {"table1": rows, "table2": []}
    (line,) = read(contrasts_csv({"table1": [one], "table2": []}, tables, "a demo")).to_dict("records")
    assert line["note"] == "a demo"
    assert line["step"] == "TTA off → ✓ (table1: 2 − 1)" and pd.isna(line["published_difference"])
    assert [line[f"difference{end}"] for end in ("", "_low", "_high")] == [0.1, 0.05, 0.15]


def test_no_contrast_is_a_table_all_the_same():
    found = read(contrasts_csv({"table1": []}, {"table1": []}, ""))
    assert "step" in found and "note" not in found
