"""A row of Table 2: an ensemble on the test set, chosen once and, for its error, again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from cxrlt_core.designs.ensemble import ensemble, model_wise_weights
from cxrlt_core.evidence.estimator import Interval, Sampled, SeedVariance, estimate, pooled
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import EvaluationSet, Score, mean_ap, score_row
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.evidence.selection import CHOICES, CROSSED, Models, Repeated, repeat_choice
from cxrlt_core.metrics.calibration import Calibration, calibrate
from cxrlt_core.metrics.metric import mean_over_classes
from cxrlt_core.metrics.ranking import plain_ap
from cxrlt_core.metrics.scores import average_precision, resample_ranks
from cxrlt_core.system.threads import in_threads


@dataclass(frozen=True)
class Members:
    """The models that ensembles are made of, with S training seeds."""

    names: Sequence[str]  # of the M models
    seeds: Sequence[int]  # of training
    choices: Sequence[Choice]  # what development data tell of them, for each seed
    on_test: Sequence[np.ndarray]  # their test predictions with each seed, float32 (M, N, C)
    test: EvaluationSet

    def among(self, used: Sequence[bool]) -> "Members":
        """Return some of the models."""
        names = [name for name, kept in zip(self.names, used, strict=True) if kept]
        on_test = [models[np.asarray(used)] for models in self.on_test]
        choices = [choice.among(used) for choice in self.choices]
        return replace(self, names=names, choices=choices, on_test=on_test)

    def combine(self, weights: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Average the models of each seed by (M, C), on development and on test data, (N, C) each."""
        on_dev = [ensemble(choice.predictions, by) for choice, by in zip(self.choices, weights, strict=True)]
        return on_dev, [ensemble(models, by) for models, by in zip(self.on_test, weights, strict=True)]

    def repeat(self, method: str) -> list[Repeated]:
        """Choose on resampled development patients and score on resampled test patients, seed by seed."""
        return [
            repeat_choice(
                Models(choice.targets, choice.predictions, choice.draws.first(CHOICES)),
                Models(self.test.targets, models, self.test.resamples.first(CROSSED)),
                choice.repeated_weights(method, CHOICES),
                self.test.device,
            )
            for choice, models in zip(self.choices, self.on_test, strict=True)
        ]

    def recombine(self, methods: Mapping[str, str], array: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        """Make ensembles again from models of different seeds, to see how they vary with their members.

        ``methods`` names the method of each row; ``array`` holds the seed of each model in each run, (K, M),
        no run with one seed. Returns row to the means of average precision of each run, (K,).
        """
        if not len(array):
            return {}
        runs = [[self.choices[seed] for seed in run] for run in array]
        weights = [[run[0].recombined_weights(method, run) for run in runs] for method in methods.values()]
        model = np.arange(array.shape[1])
        # of all seeds and models, those of other seeds 0: so all runs of a class are one matrix product
        every = np.zeros((len(methods), len(array), len(self.choices), *weights[0][0].shape))
        every[:, np.arange(len(array))[:, None], array, model] = weights

        def one_class(c: int) -> np.ndarray:
            models = np.stack([seed[:, :, c] for seed in self.on_test]).astype(np.float64)
            flat, target = torch.from_numpy(models).flatten(0, 1), self.test.targets[:, c]
            combined = (torch.from_numpy(row).flatten(1) @ flat for row in every[..., c])
            return np.array([[plain_ap(target, run) for run in row.float().numpy()] for row in combined])

        ap = np.stack(in_threads(one_class, range(self.test.targets.shape[1])), axis=-1)
        return {row: self.test.classes.means(values) for row, values in zip(methods, ap, strict=True)}


@dataclass(frozen=True)
class DevTestGap:
    """Average precision, meant over all classes, on development and on test data."""

    dev: Sampled
    test: Sampled

    @property
    def size(self) -> Sampled:
        """What is lost from one to the other."""
        return self.dev + -1.0 * self.test


@dataclass(frozen=True)
class ScoredEnsemble:
    """An ensemble, scored on the test set."""

    weights: Sequence[np.ndarray]  # of the models, that were chosen with each seed, (M, C)
    score: Score
    gap: DevTestGap  # from development to test
    predictions: Sequence[np.ndarray]  # on the test set, with each seed; float32 (N, C)
    fits: Sequence[Calibration]  # thresholds and temperature that development data chose, with each seed


def gap_of_plain_mean(members: Members) -> DevTestGap:
    """Return the gap of the mean of all models, which nothing has chosen."""
    on_dev, on_test = members.combine([model_wise_weights(*choice.ap.shape) for choice in members.choices])
    targets, resamples = members.choices[0].targets, members.choices[0].draws.first(CHOICES)
    test = members.test
    of_dev = [resample_ranks(targets, scores, resamples, test.device)["AP"][:, None] for scores in on_dev]
    of_test = [resample_ranks(test.targets, scores, test.resamples, test.device)["AP"] for scores in on_test]
    return DevTestGap(
        mean_ap([average_precision(targets, scores) for scores in on_dev], repeated=of_dev),
        mean_ap([average_precision(test.targets, scores) for scores in on_test], of_test),
    )


def score_ensemble(members: Members, method: str) -> ScoredEnsemble:
    """Score an ensemble that a method chooses on the test set, and the same with other choices."""
    weights = [choice.weights(method) for choice in members.choices]
    on_dev, on_test = members.combine(weights)
    targets, repeated = members.choices[0].targets, members.repeat(method)
    fits = [calibrate(targets, scores) for scores in on_dev]
    score = score_row(members.test, on_test, fits, [choice.test for choice in repeated])
    dev = [average_precision(targets, scores) for scores in on_dev]
    selected = mean_ap(dev, repeated=[choice.dev[:, None] for choice in repeated])
    return ScoredEnsemble(weights, score, DevTestGap(selected, score["mAP"]), on_test, fits)


def optimism(row: DevTestGap, plain: DevTestGap, level: float) -> Interval:
    """Return what an ensemble loses beyond the plain mean of its models, by the gaps of both.

    Of the variance between trainings its own seeds tell alone.
    """
    excess = row.size + -1.0 * plain.size
    several = len(excess.points) > 1
    variance = pooled(excess.points, SeedVariance(0.0, 0), 0.0) if several else None
    return estimate(excess, variance).rounded(level)


@dataclass(frozen=True)
class SingleModel:
    """A model alone: its variant, and the metrics of its classes."""

    variant: str
    classes: Mapping[str, Any]


def score_singles(members: Members, level: float) -> dict[str, SingleModel]:
    """Score the first member (``base``) and the ``best single`` on development data, class by class.

    With TTA, as in the ensembles. Their intervals pool the variance between trainings of all members.
    """
    ap = np.mean([mean_over_classes(choice.ap) for choice in members.choices], axis=0)
    test = members.test
    trained = np.array([[average_precision(test.targets, m) for m in models] for models in members.on_test])
    pool = test.classes.means(np.stack([trained.swapaxes(0, 1)] * 2))
    rows, singles = {name: (name, True) for name in members.names}, {}
    seed_variance = PooledSeedVariance(rows, members.names, pool)
    for role, number in {"base": 0, "best single": int(np.nan_to_num(ap).argmax())}.items():
        name, predictions = members.names[number], [models[number] for models in members.on_test]
        fits = [calibrate(choice.targets, choice.predictions[number]) for choice in members.choices]
        table = ScoredTable({name: score_row(test, predictions, fits)}, seed_variance, level)
        singles[role] = SingleModel(name, table.class_scores(name))
    return singles
