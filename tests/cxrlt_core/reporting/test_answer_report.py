"""The first screen: the verdicts in words, and what an open one would take."""

import pytest

from cxrlt_core.evidence.family import DOWN, NEGLIGIBLE, NOT_MEASURED, UNRESOLVED, UP
from cxrlt_core.reporting.answer_report import answer_section, answer_text
from cxrlt_core.reporting.tables import Row


def row(name: str, value: float | None) -> Row:
    return Row(name, {}, {"mAP": value}, {}, [value], [0, 0, 0], None)


POSITIVES = {"dev": {"Edema": 40, "Hernia": 3}, "test": {"Edema": 7, "Hernia": 9}}
TABLES = {"table1": [row("a", 0.25), row("b", 0.5)], "table2": [row("c", None)]}


def step(verdict: str, difference: float = 0.02, what: str = "TTA", change: str = "off → ✓") -> dict:
    return {
        "what": what, "change": change, "rows": ["b", "a"], "family": "primary", "verdict": verdict,
        "difference": [difference, None, None], "simultaneous": [-0.01, 0.05], "published": 0.003,
    }  # fmt: skip


def planned(seeds: int | str, patients: int | str) -> dict:
    need = {"difference": 0.02, "seeds": seeds, "patients": patients}
    return {"family": "primary", "measured": need}


def section(params, step: dict, need: dict) -> str:
    plans = {
        "table1": {"split": "dev", "contrasts": [need]},
        "table2": {"split": "test", "contrasts": []},
    }
    return answer_section(params, plans, {"table1": [step], "table2": []}, TABLES, POSITIVES)


@pytest.fixture
def params(smoke):
    return smoke.model_copy(update={"train": smoke.train.model_copy(update={"seeds": (0, 1, 2)})})


def test_the_sentence_counts_every_verdict(params):
    steps = [step(UP), step(DOWN, -0.04, "image encoder", "a → b"), step(NEGLIGIBLE), step(UNRESOLVED)]
    text = answer_text(params, {"table1": steps, "table2": []}, TABLES)
    assert text.startswith(
        "Of 4 steps, 1 raised mAP (TTA +0.0200); 1 lowered it (image encoder a → b -0.0400); "
        "1 did nothing that matters; 1 could not be told from no effect."
    )
    assert "0.5000 on development data (row 2)" in text and "undefined on test data" in text
    assert text.endswith(
        "so expect less of it. Synthetic demo: drawn images, small stand-in encoders. "
        "Reproduces no published figure."
    )


def test_exploratory_rows_are_no_answer(params):
    other = {**step(UP, 0.5), "family": "exploratory"}
    assert "Of 1 steps, 1 could" in answer_text(params, {"table1": [step(UNRESOLVED), other]}, TABLES)


def test_without_verdicts_it_says_why(params):
    text = answer_text(params, {"table1": [step(NOT_MEASURED)], "table2": []}, TABLES)
    assert text.startswith("Of 1 steps none has a verdict: training noise not measured.")


@pytest.mark.parametrize(
    ("seeds", "patients", "words"),
    [
        (7, 5000, "7 seeds or 5,000 development patients"),
        (7, "more than 1,000 × the patients", "7 seeds"),
        ("at no number of seeds", 5000, "5,000 development patients"),
        ("at no number of seeds", "at no number", "no study near this size"),
        (3, 900, "luck: four in five studies of this size see as much"),
    ],
)
def test_an_open_step_says_what_it_would_take(params, seeds, patients, words):
    line = next(
        line
        for line in section(params, step(UNRESOLVED), planned(seeds, patients)).splitlines()
        if "TTA" in line
    )
    assert line.endswith(f"| {words} | Table 1: 2 − 1 |")
    assert "| +0.0200 [-0.0100, +0.0500] | ? unresolved | +0.0030 |" in line


def test_a_resolved_step_takes_nothing_and_one_seed_takes_three(smoke, params):
    assert "| done |" in section(params, step(UP), planned(3, 900))
    assert "| three seeds |" in section(smoke, step(NOT_MEASURED), planned(3, 900))


def test_classes_that_bear_no_verdict_are_counted(params, smoke):
    text = section(params, step(UP), planned(3, 900))
    assert (
        "the mean over 3 seeds, without the classes of fewer than 5 positive patients (1 on development data)"
        in text
    )
    assert "Δ mAP is of one training, without" in section(smoke, step(NOT_MEASURED), planned(3, 900))


def test_nothing_to_compare(params):
    plans = {name: {"split": "dev", "contrasts": []} for name in TABLES}
    assert "nothing to compare" in answer_section(
        params, plans, {name: [] for name in TABLES}, TABLES, POSITIVES
    )
