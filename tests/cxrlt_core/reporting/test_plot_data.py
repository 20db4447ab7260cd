import io
from dataclasses import replace

import pandas as pd
from made_results import make_contrast, make_results, make_row, make_table

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.reporting.plot_data import classes_csv, contrasts_csv
from cxrlt_core.results.data import ClassInfo


def read(text):
    return pd.read_csv(io.StringIO(text))


def test_classes_of_every_variant_commonest_first(smoke):
    classes = {"Mass": ClassInfo("tail", 0.01), "Edema": ClassInfo("head", 0.2)}
    scores = {"positive": 3, "AP": 0.5, "AUROC": None}
    metrics = {name: {"classes": {"Mass": {**scores, "AP": 0.25}, "Edema": scores}} for name in ("a", "b")}
    table = read(classes_csv(make_results(smoke, classes=classes), metrics))
    assert table["variant"].tolist() == ["a", "a", "b", "b"]
    assert table["class"].tolist() == ["Edema", "Mass"] * 2
    assert table["note"].str.startswith("Synthetic demo").all()
    assert table["AP"].tolist() == [0.5, 0.25] * 2 and table["prevalence"].tolist() == [0.2, 0.01] * 2


def test_differences_have_the_interval_of_their_family(smoke, changed):
    contrast = make_contrast(
        "b", "a", difference=Interval(0.1, 0.08, 0.12), simultaneous=(0.05, 0.15), published=None
    )
    first = make_table(1, [make_row("a", 0.1), make_row("b", 0.2)], [contrast])
    second = make_table(2, [make_row("c", 0.1)], [])
    (line,) = read(contrasts_csv(make_results(smoke, tables=(first, second)))).to_dict("records")
    assert line["note"].startswith("Synthetic demo")
    assert line["step"] == "TTA off → ✓ (table1: 2 − 1)" and pd.isna(line["published_difference"])
    assert [line[f"difference{end}"] for end in ("", "_low", "_high")] == [0.1, 0.05, 0.15]
    real = make_results(changed({"demo.sources": [], "demo.text_encoders": []}))
    nothing = read(contrasts_csv(replace(real, tables=(second, second))))
    assert "step" in nothing and "note" not in nothing
