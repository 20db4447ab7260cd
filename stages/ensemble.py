"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

from collections.abc import Sequence

import numpy as np
import torch

from cxrlt_core.designs.ensemble import Choice
from cxrlt_core.evidence.ensembles import Members, loss_of_plain_mean, optimism, score_ensemble
from cxrlt_core.evidence.scoring import describe_classes, row_numbers
from cxrlt_core.evidence.training_noise import RecombinedNoise, orthogonal_array
from cxrlt_core.metrics.bootstrap import Draws, patient_draws
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.rows import contrasts2
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import write_json
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
            temperatures = [1.0] * len(weights)
            write_ensembles(params, row, models, dev.classes, weights, scored.thresholds, temperatures)
            rows[row] = {
                "models": models,
                "weights": dict(zip(dev.classes, np.mean(weights, axis=0).T.tolist(), strict=True)),
                "stability": stability(dev, members.choices),
                # development figures are optimistic where they chose the models; the plain means are not
                "dev_mAP": rounded(scored.loss.dev.point),
                "plain_dev_mAP": rounded(plain.dev.point),
                "plain_test_mAP": rounded(plain.test.point),
                "optimism": optimism(scored.loss, plain, level),
                "classes": scores[row].classes,
            }
    noise, first = RecombinedNoise(array, runs), params.table2[0].name
    for name, entry in rows.items():
        entry |= row_numbers(scores, name, first, noise, level)
    write_json(
        "metrics/ensemble.json",
        {"images": len(test.table), "rows": rows, "contrasts": contrasts2(params, scores, noise)},
    )


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


def stability(dev: LabelledSet, choices: Sequence[Choice]) -> dict[str, float | None]:
    """Return how stable the choice of each class is, averaged over the seeds."""
    values = np.mean([choice.stability for choice in choices], axis=0)
    return dict(zip(dev.classes, map(rounded, values), strict=True))


if __name__ == "__main__":
    run_stage(main)
