"""The rows of docs/leave-one-out.md, on top of the published study."""

import re

import pytest
import yaml

from cxrlt_core.evidence.contrasts import find_pairs
from cxrlt_core.evidence.effects import fit
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.designs import row_designs
from cxrlt_core.study.parse import parse_params
from cxrlt_core.study.variants import members
from tests.architecture import ROOT

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


def around(params: Params, *rows: str) -> tuple[set[str], set[str]]:
    """Designs in which some other row differs from one of these, and in nothing else; and all their rows."""
    pairs = find_pairs({row.name: row_designs(params, row) for row in params.table1})
    pairs = [pair for pair in pairs if {pair.row, pair.reference} & {*rows}]
    return {pair.design for pair in pairs}, {row for pair in pairs for row in pair.rows}


def test_every_design_has_a_pair_around_both_rows_and_every_added_row_is_in_one(study):
    before, after = study
    six = {"separate", "reweight", "MixUp", "TTA", "text encoder", "image encoder"}
    others = {"steps", "replenished"}  # of rows of the demo itself
    assert around(after, BEST)[0] - others == six and around(before, BEST)[0] - others < six
    assert around(after, PLAINEST)[0] == six and around(before, PLAINEST)[0] == {"separate"}
    added = {row.name for row in after.table1} - {row.name for row in before.table1}
    assert added <= around(after, BEST, PLAINEST)[1]


def test_the_members_of_the_ensembles_stay_and_main_effects_rest_on_more_than_a_pair(study):
    before, after = study
    assert members(after) == members(before)
    assert [row.name for row in after.table1 if row.published] == [
        row.name for row in before.table1 if row.published
    ]
    fitted = fit({row.name: row_designs(after, row) for row in after.table1})
    sizes = {name: len(weights) for name, weights in fitted.effects.items()}
    assert min(size for (design, _), size in sizes.items() if design not in ("replenished", "steps")) > 4
    assert len(fitted.residuals) > 4
