"""What profiles declare before anybody looks: pairs of rows that differ in one thing, a bag many tricks."""

import pytest

from cxrlt_core.designs import by_field, find_design, methods, of_variants
from cxrlt_core.designs.tta import TITLE as TTA
from cxrlt_core.evidence.contrasts import find_pairs
from cxrlt_core.losses import kinds
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.attribution import find_steps
from cxrlt_core.reporting.designs import row_designs
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.yaml_file import read_yaml
from tests.architecture import ROOT

#: Declared although they change several things at once; the profile says what.
SEVERAL = {"unichest": [["conquer_mimic", "conquer"], ["conquer", "divide"]]}
#: In a bag: tricks that are said to help together with another one, which both rows have.
TOGETHER = {("ldam", "ldam_deferred"), ("head_again", "crt")}


def read(profile: str) -> Params:
    """Return a profile."""
    path = ROOT / f"profiles/{profile}.yaml"
    return parse_params(read_yaml(path), path.name)


@pytest.mark.parametrize("profile", ["nih", "strong", "unichest", "bag", "bag-demo"])
def test_a_declared_pair_differs_in_one_thing(profile):
    params = read(profile)
    undeclared = params.evidence.model_copy(update={"primary": None})  # or it would be found as declared
    steps = find_pairs({row.name: row_designs(params, row) for row in params.table1})
    steps += find_steps(params.model_copy(update={"evidence": undeclared}))
    alone = [{step.row, step.reference} for step in steps]
    several = [pair for pair in params.evidence.primary if {*pair} not in alone]
    assert several == SEVERAL.get(profile, [])


def test_a_bag_judges_each_of_its_tricks_alone_and_left_out():
    """A trick of one's own need not be in it."""
    params = read("bag")
    designs = {row.name: row_designs(params, row) for row in params.table1}
    pairs = find_pairs(designs)
    added = {pair.design for pair in pairs if "base" in pair.rows}
    tricks = {*map(find_design, of_variants()), *by_field().values()}
    assert added <= {module.TITLE for module in tricks} | {TTA, "ema", "flip", "loss", "start"}
    assert {params.losses[params.variants[row.variant].loss].kind for row in params.table1} <= {*kinds()}
    assert len(added) > 20 and len(params.losses) > 10
    full = {name for name, design in designs["full+tta"].items() if design != designs["base"][name]}
    assert {pair.design for pair in pairs if "full+tta" in pair.rows} == full and len(full) > 5
    judged = {(pair.reference, pair.row) for pair in pairs if {"base", "full+tta"} & {*pair.rows}}
    judged |= TOGETHER | {("model_wise", method) for method in methods() if method != "model_wise"}
    assert {tuple(pair) for pair in params.evidence.primary} == judged


def test_the_bag_of_the_demo_has_the_same_rows():
    bag, demo = read("bag"), read("bag-demo")
    assert demo.evidence.primary == bag.evidence.primary
    assert (demo.table1, demo.table2, demo.ensemble) == (bag.table1, bag.table2, bag.ensemble)
    assert made_of(demo) == made_of(bag)
    assert demo.query.dropout  # without it the two passes of R-Drop are equal, which ends the training


def made_of(params: Params) -> dict[str, object]:
    """Return what the variants name; designs are set by the size of the networks."""
    return {n: (v.model_dump(exclude={"designs"}), [*v.designs]) for n, v in params.variants.items()}
