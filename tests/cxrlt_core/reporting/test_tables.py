import io
import json
from dataclasses import replace

import pandas as pd
import pytest
from made_results import UNKNOWN, make_contrast, make_results, make_table
from made_results import make_row as made_row

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.metrics.metric import means
from cxrlt_core.reporting import tables
from cxrlt_core.reporting.notes import caveat
from cxrlt_core.results.data import ClassInfo
from cxrlt_core.results.tables import Row

SUMMARY = [mean.name for mean in means()]


def make_row(name: str, value: float | None, **changes) -> Row:
    design = {"image encoder": "resnet50", "TTA": "✓" if name.endswith("tta") else "", "MixUp": ""}
    errors = dict.fromkeys(SUMMARY, None if value is None else 0.01)
    difference = Interval(value, value, value)
    changes = {"design": design, "std_errors": errors, "difference": difference, **changes}
    return made_row(name, value, **changes)


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def read(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


@pytest.fixture
def rows() -> list[Row]:
    return [make_row("first", 0.25), make_row("best+tta", 0.5), make_row("undefined", None, published=None)]


def test_the_best_row_is_bold_undefined_numbers_are_dashes_and_empty_designs_are_left_out(rows):
    text = tables.to_markdown(rows, 0.95)
    table = cells(text)
    assert len({len(line) for line in table}) == 1 and [line[0] for line in table[2:]] == ["1", "2", "3"]
    assert {"TTA", "bias-corrected", "mAP [95% interval]"} < set(table[0]) and "MixUp" not in table[0]
    assert text.count("**") == 2 and "**0.5000** [0.5000, 0.5000]" in table[3]
    first, second, last = (dict(zip(table[0], line, strict=True)) for line in table[2:])
    assert first["Δ mAP to row 1"] == "" and second["Δ mAP to row 1"] == "+0.5000 [+0.5000, +0.5000]"
    assert last["mAP [95% interval]"] == "– [–, –]"
    assert last["tail"] == "–" and last["published mAP"] == "–" and last["Δ mAP to row 1"] == "– [–, –]"
    assert "None" not in text and "nan" not in text


def test_the_report_leaves_differences_and_errors_to_the_file_of_the_table(rows):
    short, full = (cells(tables.to_markdown(rows, 0.95, full=full)) for full in (False, True))
    assert set(full[0]) - set(short[0]) == {"Δ mAP to row 1", "bias-corrected"}
    least, most = (dict(zip(table[0], table[2], strict=True)) for table in (short, full))
    assert (least["tail"], most["tail"]) == ("0.2500", "0.2500 ± 0.0100")


def test_what_no_row_has_is_not_shown_and_rows_scored_on_what_selected_them_are_marked(rows):
    text = tables.to_markdown([make_row("x", None, published=None)], 0.95)
    assert "**" not in text and "published" not in text
    marked = [rows[0], make_row("second", 0.4, selected=True)]
    assert [line.count("†") for line in tables.to_markdown(marked, 0.95).splitlines()[2:]] == [0, 1]


def test_json_holds_the_metrics_csv_all_numbers_and_none_times(rows):
    content = json.loads(json.dumps(tables.to_json(rows), allow_nan=False))
    assert list(content) == ["first", "best+tta", "undefined"]
    assert content["first"]["mAP"] == 0.25 and content["undefined"]["mAP"] is None
    for text in (json.dumps(content), tables.to_csv(rows, ""), tables.to_markdown(rows, 0.95)):
        assert "second" not in text and "time" not in text
    table = read(tables.to_csv(rows, "a note"))
    assert table["row"].tolist() == ["first", "best+tta", "undefined"]
    assert table["mAP"].tolist()[:2] == [0.25, 0.5] and table["mAP"].isna()[2]
    assert (table["note"] == "a note").all() and "note" not in tables.to_csv(rows, "")
    assert table["mAUROC_se"][0] == 0.01 and table["mAP_seeds"][0] == "0.2500"
    assert table["difference_high"][1] == 0.5 and table["published_mAP"][0] == 0.3


def test_a_caveat_stands_beside_numbers_of_a_demo_only(changed):
    assert "Synthetic" in caveat(changed({}))
    real = {"demo.sources": [], "demo.text_encoders": []}
    assert caveat(changed(real)) == ""
    assert "stand-in" in caveat(changed({"demo.sources": []}))


def test_further_metrics_show_seeds_where_there_are_several(rows):
    assert "seed" not in tables.further_metrics(rows)
    several = [make_row("first", 0.25, seeds=[0.2, 0.3])]
    table = cells(tables.further_metrics(several))
    last = dict(zip(table[0], table[2], strict=True))
    assert last["mAP of each seed"] == "0.2000, 0.3000" and last["F1 ↑"] == "0.2500 ± 0.0100"
    assert {"F1 at 0.5 ↑", "NLL ↓", "NLL, scaled ↓", "ECE ↓", "ECE, scaled ↓"} < set(last)


def test_contrasts_name_the_rows_by_number():
    least = dict.fromkeys(("mAP", "mAP_head", "mAP_medium", "mAP_tail"), 0.02)
    plain = make_contrast(
        "b", "a", difference=Interval(0.01, -0.01, 0.03), simultaneous=(-0.02, 0.04), p=0.2, p_adjusted=0.4,
        published=None, detectable={**least, "mAP_tail": None},
    )  # fmt: skip
    resolved = replace(plain, rows=["d", "c", "b", "a"], verdict="resolved down", published=-0.002)
    unknown = dict.fromkeys(("difference", "probability_of_improvement"), UNKNOWN)
    undefined = replace(plain, **unknown, simultaneous=(None, None), p=None, p_adjusted=None)
    rows = [make_row(name, 0.1) for name in "abcd"]
    table = cells(tables.contrasts_table(make_table(1, rows, []), [plain, resolved, undefined]))
    assert len({len(line) for line in table}) == 1
    first, second, third = (dict(zip(table[0], line, strict=True)) for line in table[2:])
    assert (first["rows"], second["rows"]) == ("2 − 1", "4 − 3 − (2 − 1)")
    assert (
        first["Δ mAP [interval]"] == "+0.0100 [-0.0100, +0.0300]"
        and first["P [interval]"] == "75% [50%, 90%]"
    )
    assert first["minimum detectable Δ"] == "0.0200" and first["p, adjusted"] == "0.400"
    assert (first["verdict"], second["verdict"]) == ("unresolved", "**resolved down**")
    assert first["simultaneous"] == "[-0.0200, +0.0400]"
    assert third["Δ mAP [interval]"] == "– [–, –]" and third["p"] == third["P [interval]"] == "–"
    [header, *_] = cells(tables.contrasts_table(make_table(1, rows, []), [undefined]))
    assert "P [interval]" not in header  # where nothing is known of it


def test_a_row_is_named_by_its_designs():
    design = {"image encoder": "resnet50", "reweight": "2", "loss": "asl", "TTA": "✓", "MixUp": ""}
    assert tables.row_label(design) == "resnet50, reweight ×2, asl loss, TTA"
    label = tables.row_label({"models": "8", "ensemble": "bagged"})
    table = make_table(2, [make_row("a", 0.1, label=label)], [])
    assert table.labels() == ["1  8 models, bagged"]


def test_classes_of_every_variant_commonest_first(smoke):
    classes = {"Mass": ClassInfo("tail", 0.01), "Edema": ClassInfo("head", 0.2)}
    scores = {"positive": 3, "AP": 0.5, "AUROC": None}
    metrics = {name: {"classes": {"Mass": {**scores, "AP": 0.25}, "Edema": scores}} for name in ("a", "b")}
    table = read(tables.classes_csv(make_results(smoke, classes=classes), metrics))
    assert table["variant"].tolist() == ["a", "a", "b", "b"]
    assert table["class"].tolist() == ["Edema", "Mass"] * 2
    assert table["note"].str.startswith("Synthetic demo").all()
    assert table["AP"].tolist() == [0.5, 0.25] * 2 and table["prevalence"].tolist() == [0.2, 0.01] * 2


def test_differences_have_the_interval_of_their_family(smoke, changed):
    bounds = {"difference": Interval(0.1, 0.08, 0.12), "simultaneous": (0.05, 0.15)}
    contrast = make_contrast("b", "a", published=None, **bounds)
    first = make_table(1, [make_row("a", 0.1), make_row("b", 0.2)], [contrast])
    second = make_table(2, [make_row("c", 0.1)], [])
    (line,) = read(tables.contrasts_csv(make_results(smoke, tables=(first, second)))).to_dict("records")
    assert line["note"].startswith("Synthetic demo")
    assert line["step"] == "TTA off → ✓ (table1: 2 − 1)" and pd.isna(line["published_difference"])
    assert [line[f"difference{end}"] for end in ("", "_low", "_high")] == [0.1, 0.05, 0.15]
    real = make_results(changed({"demo.sources": [], "demo.text_encoders": []}))
    nothing = read(tables.contrasts_csv(replace(real, tables=(second, second))))
    assert "step" in nothing and "note" not in nothing
