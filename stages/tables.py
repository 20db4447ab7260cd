"""The rows of both tables, and the few numbers to watch."""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.bootstrap import patient_draws
from cxrlt_core.files import read_json
from cxrlt_core.params import Params
from cxrlt_core.scoring import difference, rounded, score, table_metrics
from cxrlt_core.tables import TICK, Row, design_columns
from stages.predictions import read_predictions
from stages.sets import read_groups, read_set


def table1(params: Params, costs: dict) -> list[Row]:
    """Score the rows of Table 1 on the development set, all on the same resampled patients."""
    dev, groups, level = read_set("dev"), read_groups(), params.bootstrap.level
    draws = patient_draws(dev.table["patient_id"], params.bootstrap.resamples, params.bootstrap.seed)
    rows, first = [], None
    for row in params.table1:
        file = f"tta/{row.variant}/dev" if row.tta else f"dev/{row.variant}"
        probabilities = read_predictions(f"predictions/{file}.parquet", dev, params.study.aggregate)
        scored = score(dev.targets, probabilities, dev.classes, groups, draws)
        first = first or scored
        rows.append(
            Row(
                name=row.name,
                design=design_columns(params, row),
                metrics=table_metrics(scored, level),
                errors={name: rounded(scored.standard_error(name)) for name in scored.samples},
                difference=[rounded(x) for x in difference(scored, first, level)],
                published=row.published,
                seconds=costs[row.variant]["seconds"],
            )
        )
    return rows


def table2(params: Params, ensembles: dict, costs: dict) -> list[Row]:
    """Take the rows of Table 2 as the ensemble stage scored them."""
    return [
        Row(
            name=row.name,
            design={
                "ensemble": row.method.replace("_", "-"),
                "replenished": TICK if row.replenished else "",
                "models": str(len(ensembles[row.name]["models"])),
            },
            metrics=ensembles[row.name]["metrics"],
            errors=ensembles[row.name]["errors"],
            difference=ensembles[row.name]["difference"],
            published=row.published,
            seconds=sum(costs[model]["seconds"] for model in ensembles[row.name]["models"]),
        )
        for row in params.table2
    ]


def headline(params: Params, summary: dict, rows: dict[str, list[Row]]) -> dict:
    """Return the few numbers to watch in ``dvc exp show``; NaN where undefined becomes None."""
    dev = summary["sets"]["dev"]["classes"].values()
    shares = [c["positive"] / (c["positive"] + c["negative"]) for c in dev if c["positive"] and c["negative"]]
    prevalence = np.mean(shares or [np.nan])
    plain = [read_json(f"metrics/dev/{name}.json")["mAP"] for name in params.variants]
    return {
        "best_dev_mAP": rounded(max(numbers(rows["table1"]))),
        "best_test_mAP": rounded(max(numbers(rows["table2"]))),
        "mean_dev_prevalence": rounded(prevalence),
        "lowest_dev_mAP_over_prevalence": rounded(min(np.array(plain, float)) / prevalence),
    }


def numbers(rows: Sequence[Row]) -> np.ndarray:
    """Return the mAP column, NaN where undefined."""
    return np.array([row.metrics["mAP"] for row in rows], float)
