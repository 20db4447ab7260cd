"""What a step of Table 2 changes, on the smoke study and on the rows of the demo."""

from dataclasses import replace

import pytest
import yaml
from made_results import make_contrast, make_results, make_row, make_table

from cxrlt_core.reporting.attribution import changes, find_steps
from cxrlt_core.reporting.evidence_report import mixed_section, steps_text
from cxrlt_core.reporting.tables import ensemble_columns, row_label
from cxrlt_core.study.parse import parse_params
from tests.architecture import ROOT

PLAIN = {
    "image": "resnet50", "text": "pubmedbert", "loss": "bce",
    "weights": "uniform", "data": "primary", "init": "none",
}  # fmt: skip
OWN = {
    "a": {},
    "b": {"separate": True},
    "b_long": {"separate": True, "recipe": "long"},
    "b_more": {"separate": True, "recipe": "long", "data": "replenished"},
    "b_epochs": {"separate": True, "data": "replenished"},
    "b_again": {"separate": True},
    "c": {"mixup": True},
    "c_long": {"mixup": True, "recipe": "long"},
}


@pytest.fixture
def step(changed):
    """Return what changes from the members of one row to those of another."""

    def between(before: str, after: str, method: str = "class_wise") -> dict[str, tuple[str, str]]:
        table2 = [
            {"name": "before", "method": "class_wise", "members": before.split()},
            {"name": "after", "method": method, "members": after.split()},
        ]
        variants = {f"variants.{name}": {**PLAIN, **own} for name, own in OWN.items()}
        recipes = {"long": {"train": {"steps": 9}}}
        params = changed({**variants, "recipes": recipes, "ensemble.members": ["a"], "table2": table2})
        return changes(params, *params.table2)

    return between


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a b", "a b c", {"members": ("2", "3")}),
        ("a b", "a c", {"members": ("b", "c")}),
        ("a b_long", "a b_more", {"replenished": ("0 of 2", "1 of 2")}),
        ("a b", "a b_long", {"steps": ("2 × 1 epoch", "1 × 1 epoch, 1 × 9 steps")}),
        ("a b", "a b_again", {"seeds": ("b", "b_again")}),
        # what nobody on the other side has, a further member brings along
        ("a b", "a b c_long", ["members", "steps"]),
        ("a b_long", "a b_long c_long", ["members"]),
        ("a b", "a b b_more", ["members", "replenished", "steps"]),
        ("a b", "a b_more", ["replenished", "steps"]),
        ("a b", "a b_epochs", ["replenished", "steps"]),  # as many epochs of more images
        # of two that could take a place, the more alike
        ("a b_more", "a b b_long", ["members", "replenished"]),
        ("b b_long a", "a b_again b_more", ["replenished", "seeds"]),
    ],
)
def test_a_step_is_called_by_all_that_it_changes(step, before, after, expected):
    found = step(before, after)
    assert found == expected if isinstance(expected, dict) else list(found) == expected
    assert list(step(after, before)) == list(found)


def test_another_method_is_a_change_of_its_own(step):
    assert step("a b", "a b", "bagged") == {"ensemble": ("class-wise", "bagged")}
    assert list(step("a b", "a b c", "bagged")) == ["ensemble", "members"]


def demo():
    return parse_params(yaml.safe_load((ROOT / "params.yaml").read_text()))


def test_the_demo_goes_from_row_to_row_by_one_thing_at_a_time_and_the_published_step_mixes_them():
    steps = {(pair.reference, pair.row): pair for pair in find_steps(demo())}
    more = "class_wise_replenished"
    alone = {rows: pair.design for rows, pair in steps.items() if "ensemble" not in pair.design}
    assert alone == {
        ("class_wise", "longer"): "steps",
        ("longer", "swap"): "replenished",
        ("longer", "further"): "members",
        ("swap", more): "members",
        ("further", more): "replenished",
        ("class_wise", more): "members + replenished + steps",
    }
    assert steps["class_wise", more].change == f"class_wise → {more}"
    assert steps["swap", more].change == "8 → 10" and steps["further", more].change == "0 of 10 → 2 of 10"


def test_a_declared_pair_is_a_step_with_all_that_it_mixes(changed):
    params = changed({"evidence.primary": [["shrunk_replenished", "model_wise"]]})
    found = [pair for pair in find_steps(params) if pair.rows == ["shrunk_replenished", "model_wise"]]
    assert [pair.change for pair in found] == ["model_wise → shrunk_replenished"]
    assert found[0].design.startswith("ensemble + members") and found[0] not in find_steps(changed({}))


def test_rows_with_names_of_their_own_are_called_by_them():
    rows = [ensemble_columns(demo(), row) for row in demo().table2]
    assert rows[1] == {"name": "", "ensemble": "class-wise", "replenished": "", "models": "8"}
    assert rows[3] == {"name": "swap", "ensemble": "class-wise", "replenished": "✓", "models": "8"}
    assert row_label(rows[4]) == "further, class-wise, 10 models"


def test_the_report_shows_what_the_published_step_mixes_beside_what_one_thing_does(smoke):
    results = make_results(smoke)
    assert mixed_section(results) == ""
    names = ["model_wise", "class_wise", "class_wise_replenished"]
    step = make_contrast("class_wise_replenished", "class_wise", what="members + replenished", change="x → y")
    alone = replace(step, what="members", rows=["class_wise", "model_wise"], family="exploratory")
    table = make_table(
        2, [make_row(name, 0.3) for name in names], [step, alone, replace(alone, what="steps")]
    )
    words = mixed_section(replace(results, tables=(results.tables[0], table)))
    lines = [line for line in words.splitlines() if line.startswith("| ")]
    assert len(lines) == 3 and lines[-1].startswith("| members | x → y | 2 − 1 |")
    assert "several things at once (3 − 2)" in words and "No two rows differ in replenished alone." in words
    assert steps_text(replace(results, tables=(results.tables[0], table))) == "2 × 9 (row 1, 2, 3)"
