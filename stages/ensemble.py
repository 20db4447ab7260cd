"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

from collections.abc import Sequence

import numpy as np
import torch

from cxrlt_core.designs.ensemble import Choice, ensemble
from cxrlt_core.evidence.scoring import Classes, describe_classes, row_numbers, score
from cxrlt_core.evidence.training_noise import RecombinedNoise, orthogonal_array
from cxrlt_core.metrics.bootstrap import patient_draws
from cxrlt_core.metrics.calibration import best_thresholds
from cxrlt_core.metrics.scores import average_precision, mean_defined
from cxrlt_core.params.schema import Params, Table2Row
from cxrlt_core.reporting.rows import contrasts2
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import score_text
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
    classes = describe_classes(
        test.targets, draws, test.classes, read_groups(), params.evidence.min_positives
    )
    array = orthogonal_array(len(params.members), len(params.train.seeds))
    rows, scores, runs = {}, {}, {}
    for replenished in sorted({row.replenished for row in params.table2}):
        usable = [replenished or params.variants[name].data == "primary" for name in params.members]
        models = [name for name, used in zip(params.members, usable, strict=True) if used]
        choices = choose(params, models, dev, device)
        on_test = [read_models(models, test, seed, params.study.aggregate) for seed in params.train.seeds]
        chosen = [row for row in params.table2 if row.replenished == replenished]
        runs |= recombine(chosen, choices, on_test, array[:, usable], test.targets, classes)
        for row in chosen:
            weights = [choice.weights(row.method) for choice in choices]
            combined = [ensemble(one, its) for one, its in zip(on_test, weights, strict=True)]
            for seed, probabilities in zip(params.train.seeds, combined, strict=True):
                write_predictions(ensemble_path(row.name, seed), test, probabilities)
            selected = [
                ensemble(choice.predictions, its) for choice, its in zip(choices, weights, strict=True)
            ]
            thresholds = [best_thresholds(dev.targets, one) for one in selected]
            scores[row.name] = score(test.targets, combined, thresholds, classes, draws, device)
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
    noise, first = RecombinedNoise(array, runs), params.table2[0].name
    for name, entry in rows.items():
        entry |= row_numbers(scores, name, first, noise, params.bootstrap.level)
    write_json(
        "metrics/ensemble.json",
        {"images": len(test.table), "rows": rows, "contrasts": contrasts2(params, scores, noise)},
    )
    print("test mAP:", ", ".join(f"{n} {score_text(one['metrics']['mAP'])}" for n, one in rows.items()))


def recombine(
    rows: Sequence[Table2Row],
    choices: Sequence[Choice],
    on_test: Sequence[np.ndarray],
    array: np.ndarray,
    targets: np.ndarray,
    classes: Classes,
) -> dict[str, dict[str, np.ndarray]]:
    """Make the ensembles again from models of different seeds, to see how they vary with their members.

    Args:
        rows: ensembles of the same models.
        choices: of each seed.
        on_test: test predictions of each seed, (M, N, C).
        array: seed of each model in each run, (K, M); no run with one seed.
        targets: of the test set.
        classes: of the test set.

    Returns:
        Row to the means of average precision of each run, (K,).
    """
    found: dict[str, list[np.ndarray]] = {row.name: [] for row in rows}
    for run in array:
        models = np.stack([on_test[seed][model] for model, seed in enumerate(run)])
        of_run = [choices[seed] for seed in run]
        for row in rows:
            combined = ensemble(models, choices[0].recombined_weights(row.method, of_run))
            found[row.name].append(average_precision(targets, combined))
    return {name: classes.means(np.array(ap)) for name, ap in found.items() if ap}


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


if __name__ == "__main__":
    run_stage(main)
