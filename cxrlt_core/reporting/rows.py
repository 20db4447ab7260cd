"""The rows of both tables, and the few numbers to watch."""

from collections.abc import Mapping, Sequence

import numpy as np

from cxrlt_core.evidence.contrasts import find_interactions, find_pairs, judge, to_json
from cxrlt_core.evidence.scoring import Score, row_numbers
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.tables import Row, design_columns, ensemble_design
from cxrlt_core.system.rounding import rounded


def table1(params: Params, scores: Mapping[str, Score]) -> tuple[list[Row], list[dict]]:
    """Return the rows of Table 1 and their contrasts."""
    level, first = params.bootstrap.level, scores[params.table1[0].name]
    rows = [
        Row(
            name=row.name,
            design=design_columns(params, row),
            **row_numbers(scores[row.name], first, level),
            published=row.published,
            selected=params.variants[row.variant].weights != "uniform",
        )
        for row in params.table1
    ]
    pairs = find_pairs({row.name: row.design for row in rows})
    published = {row.name: row.published for row in rows}
    return rows, to_json(judge(pairs, find_interactions(pairs), scores, published, level))


def table2(params: Params, ensembles: Mapping[str, Mapping]) -> list[Row]:
    """Take the rows of Table 2 as the ensemble stage scored them."""
    return [
        Row(
            name=row.name,
            design={**ensemble_design(row), "models": str(len(ensembles[row.name]["models"]))},
            **{key: ensembles[row.name][key] for key in ("metrics", "errors", "seeds", "difference")},
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
