"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

from collections.abc import Sequence

import numpy as np
import torch

from cxrlt_core.designs.ensemble import Choice
from cxrlt_core.evidence.ensembles import Members, loss_of_plain_mean, optimism, score_ensemble, score_singles
from cxrlt_core.evidence.scoring import describe_classes, row_numbers, with_intervals
from cxrlt_core.evidence.training_noise import RecombinedNoise, orthogonal_array
from cxrlt_core.metrics.bootstrap import Draws, patient_draws
from cxrlt_core.metrics.curves import describe_curves
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.rows import contrasts2
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import score_text
from cxrlt_core.system.rounding import rounded
from stages.artifacts.border import run_stage
from stages.artifacts.ensembles import write_ensembles
from stages.artifacts.leftovers import remove_leftovers
from stages.artifacts.paths import ensemble_path
from stages.artifacts.predictions import read_models, write_predictions
from stages.artifacts.sets import LabelledSet, read_groups, read_set


def main(params: Params) -> None:
    """Write metrics/ensemble.json, and for each row and seed its predictions and the ensemble to be used."""
    remove_leftovers(params, "predictions/tta")
    device = open_device(params.compute.device, params.compute.threads)
    dev, test, level = read_set("dev"), read_set("test"), params.bootstrap.level
    draws = draw(params, test)
    classes = describe_classes(
        test.targets, draws, test.classes, read_groups(), params.evidence.min_positives
    )
    everything = read_members(params, dev, test, draws, device)
    array = orthogonal_array(len(params.members), len(params.train.seeds))
    rows, scores, runs = {}, {}, {}
    for replenished in sorted({row.replenished for row in params.table2}):
        used = [replenished or params.variants[name].data == "primary" for name in params.members]
        members = everything.among(used)
        methods = {row.name: row.method for row in params.table2 if row.replenished == replenished}
        runs |= members.recombine(methods, array[:, used], classes)
        models = [name for name, one in zip(params.members, used, strict=True) if one]
        plain = loss_of_plain_mean(members)
        for row, method in methods.items():
            weights = [choice.weights(method) for choice in members.choices]
            scored = score_ensemble(members, method, weights, classes)
            scores[row] = scored.score
            for seed, probabilities in zip(params.train.seeds, scored.predictions, strict=True):
                write_predictions(ensemble_path(row, seed), test, probabilities)
            thresholds, temperatures = zip(*((f.thresholds, f.temperature) for f in scored.fits), strict=True)
            write_ensembles(params, row, models, dev.classes, weights, thresholds, temperatures)
            rows[row] = {
                "models": models,
                "weights": dict(zip(dev.classes, np.mean(weights, axis=0).T.tolist(), strict=True)),
                "stability": by_class(dev, [choice.stability for choice in members.choices]),
                "chosen_again": chosen_again(dev, members.choices),
                "calibration": {
                    str(seed): fit.to_json(dev.classes)
                    for seed, fit in zip(params.train.seeds, scored.fits, strict=True)
                },
                # development figures are optimistic where they chose the models; the plain means are not
                "dev_mAP": rounded(scored.loss.dev.point),
                "plain_dev_mAP": rounded(plain.dev.point),
                "plain_test_mAP": rounded(plain.test.point),
                "optimism": optimism(scored.loss, plain, level),
                "classes": scores[row].classes,
                "curves": describe_curves(
                    test.targets, scored.predictions, scored.fits, test.classes, classes.groups
                ),
            }
    singles = score_singles(everything, params.members, classes, level)
    noise, first = RecombinedNoise(array, runs), params.table2[0].name
    for name, entry in rows.items():
        entry |= row_numbers(scores, name, first, noise, level)
        entry["classes"] = with_intervals(scores, name, noise, level)
    contrasts = contrasts2(params, scores, noise)
    content = {"images": len(test.table), "rows": rows, "singles": singles, "contrasts": contrasts}
    write_json("metrics/ensemble.json", content)
    print("test mAP:", ", ".join(f"{n} {score_text(one['metrics']['mAP'])}" for n, one in rows.items()))


def draw(params: Params, data: LabelledSet) -> Draws:
    """Resample the patients of a set."""
    settings = params.bootstrap
    return patient_draws(data.table["patient_id"], settings.resamples, settings.seed)


def read_members(
    params: Params, dev: LabelledSet, test: LabelledSet, draws: Draws, device: torch.device
) -> Members:
    """Read the predictions of all members, and score them on resampled development patients."""
    names, seeds, rule = params.members, params.train.seeds, params.study.aggregate
    on_dev = (read_models(names, dev, seed, rule) for seed in seeds)
    dev_draws = draw(params, dev)
    choices = [Choice.of(dev.targets, one, dev_draws, params.ensemble, device) for one in on_dev]
    on_test = [read_models(names, test, seed, rule) for seed in seeds]
    return Members(choices, on_test, test.targets, draws, device)


def by_class(dev: LabelledSet, values: Sequence[np.ndarray]) -> dict[str, float | None]:
    """Return a number of each class, averaged over the seeds."""
    return dict(zip(dev.classes, map(rounded, np.mean(values, axis=0)), strict=True))


def chosen_again(dev: LabelledSet, choices: Sequence[Choice]) -> dict[str, list[float]]:
    """Return how often a resample of the development patients chooses each model for a class."""
    share = np.mean([choice.chosen_again for choice in choices], axis=0)
    return {
        name: [rounded(value) for value in column] for name, column in zip(dev.classes, share.T, strict=True)
    }


if __name__ == "__main__":
    run_stage(main)
