"""The rows of both tables, and the few numbers to watch."""

from collections.abc import Mapping, Sequence

import numpy as np

from cxrlt_core.evidence.contrasts import Rules, find_interactions, find_pairs, test_contrasts, to_json
from cxrlt_core.evidence.effects import test_effects
from cxrlt_core.evidence.scoring import Score, row_numbers
from cxrlt_core.evidence.seed_variance import SeedVarianceModel
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.designs import ensemble_designs, row_designs, selects, texts
from cxrlt_core.reporting.tables import Row
from cxrlt_core.system.rounding import rounded


def rules(params: Params) -> Rules:
    """Return how the contrasts of a study are judged."""
    return Rules(params.bootstrap.level, params.evidence.negligible)


def table1(
    params: Params, scores: Mapping[str, Score], noise: SeedVarianceModel
) -> tuple[list[Row], list[dict]]:
    """Return the rows of Table 1 and their contrasts."""
    level, first = params.bootstrap.level, params.table1[0].name
    designs = {row.name: row_designs(params, row) for row in params.table1}
    rows = [
        Row(
            name=row.name,
            design=texts(designs[row.name]),
            **row_numbers(scores, row.name, first, noise, level),
            published=row.published,
            selected=selects(params, row.variant),
        )
        for row in params.table1
    ]
    pairs = find_pairs(designs)
    published = {row.name: row.published for row in rows}
    found = [*pairs, *find_interactions(pairs)]
    return rows, to_json(test_contrasts(found, scores, noise, published, rules(params)))


def effects1(params: Params, scores: Mapping[str, Score], noise: SeedVarianceModel) -> dict:
    """Return the main effects of the designs of Table 1."""
    designs = {row.name: row_designs(params, row) for row in params.table1}
    published = {row.name: row.published for row in params.table1}
    return test_effects(designs, scores, noise, published, rules(params))


def contrasts2(params: Params, scores: Mapping[str, Score], noise: SeedVarianceModel) -> list[dict]:
    """Compare the rows of Table 2 that differ in one design, and the published ones with each other."""
    published = {row.name: row.published for row in params.table2}
    steps = [name for name, figure in published.items() if figure is not None]
    pairs = find_pairs({row.name: ensemble_designs(row) for row in params.table2}, steps)
    return to_json(test_contrasts(pairs, scores, noise, published, rules(params)))


def table2(params: Params, ensembles: Mapping[str, Mapping]) -> list[Row]:
    """Take the rows of Table 2 as the ensemble stage scored them."""
    return [
        Row(
            name=row.name,
            design={**texts(ensemble_designs(row)), "models": str(len(ensembles[row.name]["models"]))},
            **{key: ensembles[row.name][key] for key in ("metrics", "std_errors", "seeds", "difference")},
            published=row.published,
        )
        for row in params.table2
    ]


def headline(
    plain: Sequence[float | None], dev: Mapping[str, Mapping], rows: Mapping[str, Sequence[Row]]
) -> dict[str, float | None]:
    """Return the few numbers to watch in ``dvc exp show``; NaN where undefined becomes None.

    Args:
        plain: development mAP of every variant, without TTA.
        dev: class to its counts in the development set.
        rows: table to its rows.
    """
    counts = [(c["positive"], c["negative"]) for c in dev.values()]
    shares = [positive / (positive + negative) for positive, negative in counts if positive and negative]
    prevalence = np.mean(shares or [np.nan])
    return {
        "best_dev_mAP": rounded(max(numbers(rows["table1"]))),
        "best_test_mAP": rounded(max(numbers(rows["table2"]))),
        "mean_dev_prevalence": rounded(prevalence),
        "lowest_dev_mAP_over_prevalence": rounded(min(np.array(plain, float)) / prevalence),
    }


def numbers(rows: Sequence[Row]) -> np.ndarray:
    """Return the mAP column, NaN where undefined."""
    return np.array([row.metrics["mAP"] for row in rows], float)
