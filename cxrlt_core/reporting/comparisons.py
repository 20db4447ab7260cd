"""What compares the rows of the tables: contrasts and main effects."""

from cxrlt_core.evidence.contrasts import Contrast, find_interactions, find_pairs, test_contrasts
from cxrlt_core.evidence.effects import MainEffects, test_effects
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.designs import ensemble_designs, row_designs


def contrasts1(params: Params, table: ScoredTable) -> list[Contrast]:
    """Compare the rows of Table 1 that differ in one design, and the differences with each other."""
    pairs = find_pairs({row.name: row_designs(params, row) for row in params.table1})
    return test_contrasts([*pairs, *find_interactions(pairs)], table, params.evidence.negligible)


def effects1(params: Params, table: ScoredTable) -> MainEffects:
    """Return the main effects of the designs of Table 1."""
    designs = {row.name: row_designs(params, row) for row in params.table1}
    return test_effects(designs, table, params.evidence.negligible)


def contrasts2(params: Params, table: ScoredTable) -> list[Contrast]:
    """Compare the rows of Table 2 that differ in one design, and the published ones with each other."""
    steps = [row.name for row in params.table2 if row.published is not None]
    pairs = find_pairs({row.name: ensemble_designs(row) for row in params.table2}, steps)
    return test_contrasts(pairs, table, params.evidence.negligible)
