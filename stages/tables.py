"""The rows of both tables, and the few numbers to watch."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from cxrlt_core.evidence.contrasts import find_interactions, find_pairs, judge, to_json
from cxrlt_core.evidence.scoring import Score, row_numbers, score
from cxrlt_core.metrics.bootstrap import patient_draws
from cxrlt_core.metrics.calibration import best_thresholds
from cxrlt_core.params.schema import Params, Table1Row
from cxrlt_core.reporting.tables import Row, design_columns, ensemble_design
from cxrlt_core.system.files import read_json
from cxrlt_core.system.rounding import rounded
from stages.artifacts.predictions import read_predictions
from stages.artifacts.seeds import seed_paths
from stages.artifacts.sets import read_groups, read_set


def score_table1(params: Params, device: torch.device) -> dict[str, Score]:
    """Score the rows of Table 1 on the development set, all on the same resampled patients."""
    dev, groups, settings = read_set("dev"), read_groups(), params.bootstrap
    draws = patient_draws(dev.table["patient_id"], settings.resamples, settings.seed)
    scores = {}
    for row in params.table1:
        predictions = [
            read_predictions(p, dev, params.study.aggregate) for p in prediction_paths(params, row)
        ]
        thresholds = [best_thresholds(dev.targets, one) for one in predictions]
        scores[row.name] = score(
            dev.targets, predictions, thresholds, dev.classes, groups, draws, settings.seed, device
        )
    return scores


def prediction_paths(params: Params, row: Table1Row) -> list[str]:
    """Return the development predictions behind a row, one file a seed."""
    place = f"predictions/{'tta' if row.tta else 'dev'}/{row.variant}"
    end = "/dev.parquet" if row.tta else ".parquet"
    return [f"{path}{end}" for path in seed_paths(params, place).values()]


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


def headline(params: Params, summary: Mapping, rows: Mapping[str, Sequence[Row]]) -> dict:
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
