import re

import pytest
from made_results import PARTS, make_contrast, make_results, make_row, make_table

from cxrlt_core.evidence.estimator import VarianceComponents
from cxrlt_core.reporting.planner_report import planner_section

SEVERAL = VarianceComponents(4e-4, 1e-4, 9e-4, 1e-3, 8.0)


@pytest.fixture
def write(changed):
    """Write the section of a study with some seeds."""

    def section(seeds=(0, 1, 2), published=0.001, **changes) -> str:
        params = changed({"train.seeds": list(seeds), **changes})
        parts = SEVERAL if len(seeds) > 1 else PARTS
        pair = make_contrast("b", "a", parts=parts, published=published)
        rows = [make_row("a", 0.3), make_row("b", 0.3)]
        tables = tuple(make_table(number, rows, [pair], len(seeds)) for number in (1, 2))
        return planner_section(make_results(params, tables=tables), "")

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
