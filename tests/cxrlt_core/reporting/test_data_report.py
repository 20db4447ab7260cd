import re
from dataclasses import replace

import pytest

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.reporting.data_report import render_data
from cxrlt_core.results.data import ClassInfo, Data
from cxrlt_core.system.records import from_json

DESCRIBED = {"Edema": ClassInfo("head", 0.3), "Mass": ClassInfo("tail", None)}
VIEWS = {"PA": 20, "AP": 0, "LATERAL": 7, "OTHER": 0}
SIZES = {"rows": 1300, "images": 1250, "patients": 20, "studies": 30, "held_out": 4}


def make_source(known, uncertain=0):
    counts = {"positive": 5, "negative": 1234, "unknown": 2, "uncertain": uncertain}
    return {
        **SIZES,
        "views": VIEWS,
        "known": known,
        "dropped": {"train.csv: no label": 50},
        "rejected_images": {"truncated": 2},
        "unread": {"Scoliosis": uncertain},
        "classes": dict.fromkeys(CLASSES, counts),
    }


@pytest.fixture
def summary():
    named = ("positive", "negative", "unknown")
    counts = {c: dict(zip(named, n, strict=True)) for c, n in (("Edema", (3, 9, 0)), ("Mass", (0, 2, 10)))}
    sizes = {"images": 1200, "patients": 11, "studies": 12, "classes": counts}
    content = {
        "classes": list(DESCRIBED),
        "splits": {"dev": "official: development.csv", "test": "carved by patient, 0.2 of them"},
        "sources": {
            "mimic": make_source(list(CLASSES)),
            "nih": make_source(["Edema"]),
            "chexpert": make_source(["Edema"], uncertain=77),
        },
        "sets": dict.fromkeys(("train_primary", "train_replenished", "dev", "test"), sizes),
        "not_replenished": ["Mass"],
        "leaks": [{"kind": "pixels", "set": "train", "in": "test", "images": 3, "dropped": 2}],
        "repeats": {"train": {"groups": 1, "images": 8}},
    }
    return from_json(Data, content)


@pytest.fixture
def text(smoke, summary):
    return render_data(smoke, summary, DESCRIBED)


def test_every_source_and_what_the_sets_lack_are_told_in_tables_that_are_well_formed(text):
    cells = "1,300 | 1,250 | 20 | 30 | 20 PA, 7 LATERAL | 26 | 50 train.csv: no label | 2 truncated | 4 |"
    assert f"| `mimic` | primary | {cells}" in text
    assert "| `nih` | replenishment |" in text
    assert "- `dev`: official: development.csv\n- `test`: carved by patient, 0.2 of them\n" in text
    assert "| Edema | head | 30.0% | 3 of 12 | 3 of 12 | 3 of 12 | 3 of 12 |" in text
    assert "| Mass | tail | – | 0 of 2 |" in text
    assert "- Without a positive in `dev`: Mass." in text
    assert "not helped by it: Mass." in text
    assert text.startswith("> **Synthetic demo")
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_labels_are_counted_for_known_classes_only(changed, summary):
    params = changed({"data.sources.chexpert.uncertain": {"default": "zero", "Edema": "one"}})
    text = render_data(params, summary, DESCRIBED)
    mimic, nih, chexpert = text.split("## Labels of ")[1:]
    assert mimic.count("| 1,234 |") == 26 and "throughout: none." in mimic
    assert "| Edema | 5 | 1,234 | 2 | 0 |  |" in nih and "| Mass |" not in nih
    assert "unknown throughout: Atelectasis, Calcification of the Aorta," in nih
    assert "| Edema | 5 | 1,234 | 2 | 77 | one |" in chexpert
    assert "with their positives: 77 Scoliosis.\n" in chexpert and "positives: none.\n" in nih


def test_what_a_source_knows_only_nearly_is_counted(changed, summary):
    related = {
        "Edema": {"near": {"congestion": 7}},
        "Mass": {"broader": {"lesion": 9}, "use": {"broader": 0}},
    }
    related["Nodule"] = {"broader": {"spot": 3, "lesion": 9}}
    nih = replace(summary.sources["nih"], related=related)
    text = render_data(changed({}), replace(summary, sources={"nih": nih}), DESCRIBED)
    assert "| Edema | near | 7 congestion | unknown |\n| Mass | broader | 9 lesion | taken |\n" in text
    assert "| Nodule | broader | 3 spot, 9 lesion | unknown |" in text
    assert "more or less" not in render_data(changed({}), summary, DESCRIBED)


def test_checks_are_reported(text, changed, summary):
    assert "| pixels | train | test | 3 | 2 |" in text and "| train | 1 | 8 |" in text
    assert "`data.leaks: stop` stops the study" in text
    assert "leaves out the training image" in render_data(changed({"data.leaks": "drop"}), summary, DESCRIBED)


def test_without_replenishment(smoke, summary):
    alone = replace(summary, sources={"mimic": summary.sources["mimic"]})
    assert list(alone.shown()) == ["train_primary", "dev", "test"]
    text = render_data(smoke, alone, DESCRIBED)
    assert "train_replenished" not in text and "replenishment, so" not in text
