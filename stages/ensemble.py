"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

from collections.abc import Sequence

import numpy as np
import torch

from cxrlt_core.designs.ensemble import Choice, ensemble
from cxrlt_core.evidence.contrasts import find_pairs, judge, to_json
from cxrlt_core.evidence.scoring import Score, row_numbers, score
from cxrlt_core.metrics.bootstrap import patient_draws
from cxrlt_core.metrics.calibration import best_thresholds
from cxrlt_core.metrics.scores import average_precision, mean_defined
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.tables import ensemble_design
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import write_json
from cxrlt_core.system.rounding import rounded
from stages.artifacts.border import run_stage
from stages.artifacts.leftovers import remove_leftovers
from stages.artifacts.paths import ensemble_path
from stages.artifacts.predictions import read_models, write_predictions
from stages.artifacts.sets import LabelledSet, read_groups, read_set


def main(params: Params) -> None:
    """Write metrics/ensemble.json and predictions/ensemble/<row>/<seed>.parquet."""
    remove_leftovers(params, "predictions/tta")
    device = open_device(params.compute.device, params.compute.threads)
    dev, test, settings = read_set("dev"), read_set("test"), params.bootstrap
    draws = patient_draws(test.table["patient_id"], settings.resamples, settings.seed)
    rows, scores = {}, {}
    for replenished in sorted({row.replenished for row in params.table2}):
        models = [n for n, v in params.variants.items() if replenished or v.data == "primary"]
        choices = choose(params, models, dev, device)
        on_test = [read_models(models, test, seed, params.study.aggregate) for seed in params.train.seeds]
        for row in (row for row in params.table2 if row.replenished == replenished):
            weights = [choice.weights(row.method) for choice in choices]
            combined = [ensemble(one, its) for one, its in zip(on_test, weights, strict=True)]
            for seed, probabilities in zip(params.train.seeds, combined, strict=True):
                write_predictions(ensemble_path(row.name, seed), test, probabilities)
            selected = [
                ensemble(choice.predictions, its) for choice, its in zip(choices, weights, strict=True)
            ]
            thresholds = [best_thresholds(dev.targets, one) for one in selected]
            scores[row.name] = score(
                test.targets, combined, thresholds, test.classes, read_groups(), draws, settings.seed, device
            )
            rows[row.name] = {
                "models": models,
                "weights": dict(zip(dev.classes, np.mean(weights, axis=0).T.tolist(), strict=True)),
                "stability": stability(dev, choices),
                # development figures are optimistic where they chose the models; the plain means are not
                "dev_mAP": mean_ap(dev, selected),
                "plain_dev_mAP": mean_ap(dev, [choice.predictions.mean(axis=0) for choice in choices]),
                "plain_test_mAP": mean_ap(test, [one.mean(axis=0) for one in on_test]),
                "classes": scores[row.name].classes,
            }
    first = scores[params.table2[0].name]
    for name, entry in rows.items():
        entry |= row_numbers(scores[name], first, params.bootstrap.level)
    write_json(
        "metrics/ensemble.json",
        {"images": len(test.table), "rows": rows, "contrasts": contrasts(params, scores)},
    )


def choose(params: Params, models: list[str], dev: LabelledSet, device: torch.device) -> list[Choice]:
    """Return what development data tell of the models, seed by seed."""
    settings, rule = params.bootstrap, params.study.aggregate
    draws = patient_draws(dev.table["patient_id"], settings.resamples, settings.seed)
    return [
        Choice(dev.targets, read_models(models, dev, seed, rule), draws, params.ensemble, device)
        for seed in params.train.seeds
    ]


def mean_ap(data: LabelledSet, predictions: Sequence[np.ndarray]) -> float | None:
    """Return mAP, averaged over the seeds."""
    return rounded(np.mean([mean_defined(average_precision(data.targets, one)) for one in predictions]))


def stability(dev: LabelledSet, choices: Sequence[Choice]) -> dict[str, float | None]:
    """Return how stable the choice of each class is, averaged over the seeds."""
    values = np.mean([choice.stability for choice in choices], axis=0)
    return dict(zip(dev.classes, map(rounded, values), strict=True))


def contrasts(params: Params, scores: dict[str, Score]) -> list[dict]:
    """Compare the rows that differ in one design, and the published ones with each other."""
    published = {row.name: row.published for row in params.table2}
    steps = [name for name, figure in published.items() if figure is not None]
    pairs = find_pairs({row.name: ensemble_design(row) for row in params.table2}, steps)
    return to_json(judge(pairs, [], scores, published, params.bootstrap.level))


if __name__ == "__main__":
    run_stage(main)
