"""The rows of docs/leave-one-out.md, on top of the published study."""

import re
from pathlib import Path

import pytest
import yaml

from cxrlt_core.evidence.contrasts import find_pairs
from cxrlt_core.evidence.effects import fit
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.designs import row_designs
from cxrlt_core.study.parse import parse_params
from cxrlt_core.study.variants import members

ROOT = Path(__file__).parents[3]
BEST, PLAINEST = "resnet50_bert_mixup+tta", "resnet50_bert_shared"


@pytest.fixture(params=["params.yaml", "profiles/paper.yaml"])
def study(request) -> tuple[Params, Params]:
    """A study as committed, and with the rows added."""
    content = yaml.safe_load((ROOT / request.param).read_text())
    before = parse_params(content)
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/leave-one-out.md").read_text(), re.S).group(1)
    added = yaml.safe_load(block)
    content["variants"] |= added["variants"]
    content["table1"] += added["table1"]
    return before, parse_params(content)


def pairs_of(params: Params, row: str) -> set[str]:
    """Designs in which some other row differs from this one, and in nothing else."""
    found = find_pairs({one.name: row_designs(params, one) for one in params.table1})
    return {pair.design for pair in found if row in (pair.row, pair.reference)}


def test_every_design_has_a_pair_around_both_rows(study):
    before, after = study
    six = {"separate", "reweight", "MixUp", "TTA", "text encoder", "image encoder"}
    assert pairs_of(after, BEST) == six | {"replenished"}
    assert pairs_of(after, PLAINEST) == six
    assert pairs_of(before, BEST) < six and pairs_of(before, PLAINEST) == {"separate"}


def test_every_row_that_is_added_is_one_of_these_pairs(study):
    before, after = study
    known = {one.name for one in before.table1}
    around = {
        row
        for pair in find_pairs({one.name: row_designs(after, one) for one in after.table1})
        for row in (pair.row, pair.reference)
        if {BEST, PLAINEST} & {pair.row, pair.reference}
    }
    assert {one.name for one in after.table1} - known <= around


def test_the_members_of_the_ensembles_stay(study):
    before, after = study
    assert members(after) == members(before)
    assert [one.name for one in after.table1 if one.published] == [one.name for one in before.table1]


def test_main_effects_rest_on_more_than_a_pair(study):
    fitted = fit({one.name: row_designs(study[1], one) for one in study[1].table1})
    sizes = {name: len(weights) for name, weights in fitted.effects.items()}
    assert min(size for (design, _), size in sizes.items() if design != "replenished") > 4
    assert len(fitted.residuals) > 4
