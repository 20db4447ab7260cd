"""The rows of both tables, and the few numbers to watch."""

from collections.abc import Mapping, Sequence

import numpy as np

from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.designs import TICK, ensemble_designs, row_designs, selects, texts
from cxrlt_core.results.models import Ensemble
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Row
from cxrlt_core.system.rounding import rounded

#: Column to what a row's label says of it, where that is not the cell alone.
PHRASES = {"reweight": "reweight ×{}", "loss": "{} loss", "models": "{} models"}


def rows1(params: Params, table: ScoredTable) -> list[Row]:
    """Return the rows of Table 1."""
    rows = []
    for row in params.table1:
        design, selected = texts(row_designs(params, row)), selects(params, row.variant)
        numbers = vars(table.row_numbers(row.name, params.table1[0].name))
        words = {"selected": selected, "label": row_label(design)}
        rows.append(Row(row.name, design, **numbers, published=row.published, **words))
    return rows


def rows2(params: Params, ensembles: Mapping[str, Ensemble]) -> list[Row]:
    """Take the rows of Table 2 as the ensemble stage scored them."""
    rows = []
    for row in params.table2:
        entry = ensembles[row.name]
        design = {**texts(ensemble_designs(row)), "models": str(len(entry.models))}
        numbers = entry.metrics, entry.std_errors, entry.seeds, entry.difference
        rows.append(Row(row.name, design, *numbers, row.published, label=row_label(design)))
    return rows


def row_label(design: Mapping[str, str]) -> str:
    """Say in a few words what a row has."""
    cells = ((column, cell) for column, cell in design.items() if cell)
    return ", ".join(c if cell == TICK else PHRASES.get(c, "{}").format(cell) for c, cell in cells)


def headline(results: Results, plain: Sequence[float | None]) -> dict[str, float | None]:
    """Return the few numbers to watch in ``dvc exp show``; None where undefined.

    ``plain`` is the development mAP of every variant, without TTA.
    """
    best1, best2 = (
        max(np.array([row.metrics["mAP"] for row in table.rows], float)) for table in results.tables
    )
    counts = results.data.sets["dev"].classes.values()
    shares = [labels.positive / labels.known for labels in counts if labels.positive and labels.negative]
    prevalence = np.mean(shares or [np.nan])
    return {
        "best_dev_mAP": rounded(best1),
        "best_test_mAP": rounded(best2),
        "mean_dev_prevalence": rounded(prevalence),
        "lowest_dev_mAP_over_prevalence": rounded(min(np.array(plain, float)) / prevalence),
    }
