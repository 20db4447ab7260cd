import re

import pytest
from test_report import contrast, make_row

from cxrlt_core.reporting.planner_report import plan_study, planner_section

PARTS = {
    "patients": 4e-4, "patients_by_seed": 1e-4, "training": 9e-4, "seed_variance": 1e-3, "dof": 8.0,
    "selection": 0.0,
}  # fmt: skip
SETS = {split: {"images": 1000, "patients": 900} for split in ("dev", "test")}
TABLES = {
    "table1": [make_row("base", 0.3), make_row("base+tta", 0.3)],
    "table2": [make_row("model_wise", 0.3), make_row("class_wise", 0.3)],
}


@pytest.fixture
def write(changed):
    """Write the section of a study with some seeds."""

    def section(seeds=(0, 1, 2), published=0.001, **changes) -> str:
        params = changed({"train.seeds": list(seeds), **changes})
        parts = PARTS if len(seeds) > 1 else {**PARTS, "training": None, "seed_variance": None, "dof": None}
        one = {**contrast("base+tta", "base"), "parts": parts, "published": published}
        other = {**one, "rows": ["class_wise", "model_wise"]}
        contrasts = {"table1": [one], "table2": [other]}
        return planner_section(params, plan_study(params, contrasts, SETS), TABLES, "")

    return section


def test_what_resolves_a_difference_stands_in_its_line(write):
    line = next(line for line in write().splitlines() if line.startswith("| TTA  off → ✓  (2 − 1) |"))
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[2] == "+0.1000" and cells[3].isdigit() and cells[5:] == ["+0.0010", *["at no number"] * 2]


def test_the_published_step_is_judged_at_the_published_size(write):
    text = write()
    assert "0 of 2 could be" in text and "Table 2: TTA  off → ✓  (2 − 1) | +0.0010" in text
    assert re.search(r"differences of 0\.\d{4} at 0\.9, 0\.\d{4} at 0\.95 \(development images\)", text)
    assert "2 of 2 could be" in write(published=0.9)
    assert "Could the published steps" not in write(published=None)


def test_a_demo_says_whose_noise_it_is(write):
    warning = "The noise is that of a synthetic study"
    assert warning in write() and warning not in write(**{"demo.sources": []})


def test_one_seed_says_what_is_unknown(write):
    text = write(seeds=(0,))
    assert "trained once: the noise of trainings is unknown" in text and "0 of 2 could be" in text
    assert "To resolve a difference" not in text and write(seeds=(0, 1)).count("To resolve a difference") == 1
    assert "| not known |" in write(seeds=(0,), published=0.9)
    assert "None" not in text and "nan" not in text
