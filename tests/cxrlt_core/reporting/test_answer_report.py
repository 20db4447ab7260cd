"""The first screen: the verdicts in words, and what an open one would take; and the plan."""

import re
from dataclasses import replace

import pytest
from made_results import PARTS, make_contrast, make_results, make_row, make_table

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.estimator import Interval, VarianceComponents
from cxrlt_core.evidence.family import DOWN, EQUIVALENT, NOT_MEASURED, UNRESOLVED, UP
from cxrlt_core.evidence.power_analysis import Need
from cxrlt_core.reporting.answer_report import (
    answer_section,
    answer_text,
    needs_section,
    planner_section,
)
from cxrlt_core.results.study import Results

SEVERAL = VarianceComponents(4e-4, 1e-4, 9e-4, 1e-3, 8.0)
POSITIVES = {1: {"Edema": 40, "Hernia": 3}, 2: {"Edema": 7, "Hernia": 9}}


def step(verdict: str, difference: float = 0.02, what: str = "TTA", change: str = "off → ✓") -> Contrast:
    return make_contrast(
        "b", "a", what=what, change=change, difference=Interval(difference, None, None),
        simultaneous=(-0.01, 0.05), published=0.003, verdict=verdict,
    )  # fmt: skip


def study(params, *steps: Contrast, need: Need | None = None) -> Results:
    """A study with steps in Table 1; need: of the first to be resolved."""
    first = make_table(1, [make_row("a", 0.25), make_row("b", 0.5)], list(steps), 3, POSITIVES[1])
    if need:
        powers = [replace(power, published=need) for power in first.power.contrasts]
        first = replace(first, power=replace(first.power, contrasts=powers))
    return make_results(params, tables=(first, make_table(2, [make_row("c", None)], [], 3, POSITIVES[2])))


@pytest.fixture
def params(smoke):
    return smoke.model_copy(update={"train": smoke.train.model_copy(update={"seeds": (0, 1, 2)})})


def test_the_sentence_counts_every_verdict(params):
    steps = [step(UP), step(DOWN, -0.04, "image encoder", "a → b"), step(EQUIVALENT), step(UNRESOLVED)]
    text = answer_text(study(params, *steps))
    moved = "1 raised mAP (TTA +0.0200); 1 lowered it (image encoder a → b -0.0400)"
    rest = "1 did nothing that matters; 1 could not be told from no effect."
    assert text.startswith(f"Of 4 steps, {moved}; {rest}")
    assert (
        "0.5000 on development data (row 2; chance 0.2500)" in text
    )  # 3 of 12 in two classes; one undefined
    assert "undefined on test data" in text
    demo = "Synthetic demo: drawn images, small stand-in encoders. Reproduces no published figure."
    assert text.endswith(f"so expect less of it. {demo}")


def test_without_an_answer_it_says_why_and_exploratory_rows_are_none(params):
    other = replace(step(UP, 0.5), family="exploratory")
    assert "Of 1 steps, 1 could" in answer_text(study(params, step(UNRESOLVED), other))
    unmeasured = answer_text(study(params, step(NOT_MEASURED)))
    assert unmeasured.startswith("Of 1 steps none has a verdict: training noise not measured.")
    assert "nothing to compare" in answer_section(study(params))


@pytest.mark.parametrize(
    ("seeds", "patients", "words"),
    [
        (7, 5000, "7 seeds or 5,000 development patients"),
        (7, "more than 1,000 × the patients", "7 seeds"),
        ("at no number of seeds", 5000, "5,000 development patients"),
        ("at no number of seeds", "at no number", "no study near this size"),
        (3, 900, "luck: four in five studies of this size resolve it"),
    ],
)
def test_an_open_step_says_what_it_would_take(params, seeds, patients, words):
    text = answer_section(study(params, step(UNRESOLVED), need=Need(0.02, seeds, patients)))
    line = next(line for line in text.splitlines() if "TTA" in line)
    assert line.startswith("| **TTA** off → ✓ | Table 1: 2 − 1 |") and line.endswith(f"| {words} |")
    assert "| +0.0200 [-0.0100, +0.0500] | ? unresolved | +0.0030 |" in line


def test_a_resolved_step_takes_nothing_one_seed_takes_three_and_rare_classes_are_counted(smoke, params):
    several, alone = answer_section(study(params, step(UP))), answer_section(study(smoke, step(NOT_MEASURED)))
    assert "| done |" in several and "| three seeds |" in alone
    rare = "without the classes of fewer than 5 positive patients (1 on development data)"
    assert f"the mean over 3 seeds, {rare}" in several
    assert "Δ mAP is of one training, without" in alone


@pytest.fixture
def plan(changed):
    """Write the section of a study with some seeds, and what the appendix has of it."""

    def section(seeds=(0, 1, 2), published=0.001, **changes) -> str:
        params = changed({"train.seeds": list(seeds), **changes})
        parts = SEVERAL if len(seeds) > 1 else PARTS
        pair = make_contrast("b", "a", parts=parts, published=published)
        rows = [make_row("a", 0.3), make_row("b", 0.3)]
        tables = tuple(make_table(number, rows, [pair], len(seeds)) for number in (1, 2))
        results = make_results(params, tables=tables)
        return planner_section(results, "") + needs_section(results)

    return section


def test_what_resolves_a_difference_is_told_at_our_size_and_at_the_published_one(plan):
    text = plan()
    line = next(line for line in text.splitlines() if line.startswith("| TTA  off → ✓  (2 − 1) |"))
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[2:] == ["+0.0020", *["at no number"] * 2, "+0.0010", *["at no number"] * 2]
    assert "0 of 2 could be" in text
    assert re.search(r"\| TTA \| Table 2: 2 − 1 \| 0\.\d{4} \| \+0\.0010 \| (0\.\d{4} \| ){2}no \|", text)
    assert re.search(r"differences of 0\.\d{4} at 0\.9, 0\.\d{4} at 0\.95 \(development images\)", text)
    assert "2 of 2 could be" in plan(published=0.9)
    unpublished = plan(published=None)
    assert (
        "ublished" not in unpublished
        and "| step | rows | minimum detectable Δ |\n" in unpublished
        and "| contrast | minimum detectable Δ | margin Δ | seeds | or patients |" in unpublished
    )
    warning = "The noise is that of drawn images"
    assert warning in text and warning not in plan(**{"demo.sources": []})


def test_one_seed_says_what_is_unknown(plan):
    text = plan(seeds=(0,))
    assert "trained once: the noise of trainings is unknown" in text and "0 of 2 could be" in text
    assert "## Seeds or patients" not in text and plan(seeds=(0, 1)).count("## Seeds or patients") == 1
    assert "| not known |" in plan(seeds=(0,), published=0.9)
    assert "None" not in text and "nan" not in text
