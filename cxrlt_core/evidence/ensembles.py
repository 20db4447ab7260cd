"""A row of Table 2: an ensemble on the test set, chosen once and, for its error, again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cxrlt_core.designs.ensemble import ensemble, model_wise_weights
from cxrlt_core.evidence.estimator import Sampled, SeedVariance, estimate, pooled
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.evidence.scoring import Classes, Score, mean_ap, score_row, with_intervals
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.evidence.selection import CHOICES, CROSSED, Models, Repeated, repeat_choice
from cxrlt_core.metrics.bootstrap import PatientResamples
from cxrlt_core.metrics.calibration import Calibration, calibrate
from cxrlt_core.metrics.ranking import plain_ap
from cxrlt_core.metrics.scores import average_precision, mean_over_classes, resample_ranks
from cxrlt_core.system.rounding import rounded
from cxrlt_core.system.threads import in_threads


@dataclass(frozen=True)
class Members:
    """The models that ensembles are made of, with S training seeds.

    Attributes:
        choices: what development data tell of them, for each seed.
        on_test: their test predictions with each seed, float32 (M, N, C).
        targets: of the test set, int (N, C).
        resamples: resampled test patients.
        device: to compute on.
    """

    choices: Sequence[Choice]
    on_test: Sequence[np.ndarray]
    targets: np.ndarray
    resamples: PatientResamples
    device: torch.device

    def among(self, used: Sequence[bool]) -> "Members":
        """Return some of the models."""
        kept = [models[np.asarray(used)] for models in self.on_test]
        choices = [choice.among(used) for choice in self.choices]
        return Members(choices, kept, self.targets, self.resamples, self.device)

    def combine(self, weights: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Average the models of each seed by (M, C), on development and on test data, (N, C) each."""
        on_dev = [ensemble(one.predictions, by) for one, by in zip(self.choices, weights, strict=True)]
        return on_dev, [ensemble(one, by) for one, by in zip(self.on_test, weights, strict=True)]

    def repeat(self, method: str) -> list[Repeated]:
        """Choose on resampled development patients and score on resampled test patients, seed by seed."""
        return [
            repeat_choice(
                Models(choice.targets, choice.predictions, choice.draws.first(CHOICES)),
                Models(self.targets, models, self.resamples.first(CROSSED)),
                choice.repeated_weights(method, CHOICES),
                self.device,
            )
            for choice, models in zip(self.choices, self.on_test, strict=True)
        ]

    def recombine(
        self, methods: Mapping[str, str], array: np.ndarray, classes: Classes
    ) -> dict[str, dict[str, np.ndarray]]:
        """Make ensembles again from models of different seeds, to see how they vary with their members.

        Args:
            methods: row to its method.
            array: seed of each model in each run, (K, M); no run with one seed.
            classes: of the test set.

        Returns:
            Row to the means of average precision of each run, (K,).
        """
        if not len(array):
            return {}
        choices = [[self.choices[seed] for seed in run] for run in array]
        weights = [[its[0].recombined_weights(method, its) for its in choices] for method in methods.values()]
        model = np.arange(array.shape[1])
        # of all seeds and models, those of other seeds 0: so all runs of a class are one matrix product
        every = np.zeros((len(methods), len(array), len(self.choices), *weights[0][0].shape))
        every[:, np.arange(len(array))[:, None], array, model] = weights

        def one_class(c: int) -> np.ndarray:
            models = np.stack([one[:, :, c] for one in self.on_test]).astype(np.float64)
            flat, target = torch.from_numpy(models).flatten(0, 1), self.targets[:, c]
            combined = (torch.from_numpy(its).flatten(1) @ flat for its in every[..., c])
            return np.array([[plain_ap(target, one) for one in its.float().numpy()] for its in combined])

        ap = np.stack(in_threads(one_class, range(self.targets.shape[1])), axis=-1)
        return {row: classes.means(its) for row, its in zip(methods, ap, strict=True)}


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
    """An ensemble, scored on the test set.

    Attributes:
        score: the row.
        gap: from development to test.
        predictions: on the test set, with each seed; float32 (N, C).
        fits: thresholds and temperature that development data chose, with each seed.
    """

    score: Score
    gap: DevTestGap
    predictions: Sequence[np.ndarray]
    fits: Sequence[Calibration]


def gap_of_plain_mean(members: Members) -> DevTestGap:
    """Return what the mean of all models loses, which nothing has chosen."""
    on_dev, on_test = members.combine([model_wise_weights(*one.ap.shape) for one in members.choices])
    targets, first = members.choices[0].targets, members.choices[0].draws.first(CHOICES)
    of_dev = [resample_ranks(targets, one, first, members.device)["AP"][:, None] for one in on_dev]
    of_test = [
        resample_ranks(members.targets, one, members.resamples, members.device)["AP"] for one in on_test
    ]
    return DevTestGap(
        mean_ap([average_precision(targets, one) for one in on_dev], repeated=of_dev),
        mean_ap([average_precision(members.targets, one) for one in on_test], of_test),
    )


def score_ensemble(
    members: Members, method: str, weights: Sequence[np.ndarray], classes: Classes
) -> ScoredEnsemble:
    """Score an ensemble on the test set, and the same with other choices.

    Args:
        members: with each seed.
        method: that chooses.
        weights: that it has chosen with each seed, (M, C).
        classes: of the test set.

    Returns:
        What is told of it.
    """
    on_dev, on_test = members.combine(weights)
    targets, others = members.choices[0].targets, members.repeat(method)
    fits = [calibrate(targets, one) for one in on_dev]
    found = score_row(
        members.targets,
        on_test,
        fits,
        classes,
        members.resamples,
        members.device,
        [one.test for one in others],
    )
    dev = [average_precision(targets, one) for one in on_dev]
    selected = mean_ap(dev, repeated=[one.dev[:, None] for one in others])
    return ScoredEnsemble(found, DevTestGap(selected, found["mAP"]), on_test, fits)


def optimism(row: DevTestGap, plain: DevTestGap, level: float) -> list[float | None]:
    """Return what an ensemble loses beyond the plain mean of its models: point, low, high.

    Of the noise of trainings its own seeds tell alone.

    Args:
        row: loss of the ensemble.
        plain: loss of the mean.
        level: of the interval.
    """
    excess = row.size + -1.0 * plain.size
    several = len(excess.points) > 1
    found = estimate(excess, pooled(excess.points, SeedVariance(0.0, 0), 0.0) if several else None)
    return [rounded(value) for value in (found.point, *found.interval(level))]


def score_singles(members: Members, names: Sequence[str], classes: Classes, level: float) -> dict[str, dict]:
    """Score the first member, and the one that is best on development data, class by class.

    With TTA, as in the ensembles. Their intervals pool the training noise of all members.

    Args:
        members: all of them.
        names: of the members.
        classes: of the test set.
        level: of the intervals.
    """
    ap = np.mean([mean_over_classes(choice.ap) for choice in members.choices], axis=0)
    trained = np.array([[average_precision(members.targets, one) for one in its] for its in members.on_test])
    pool = classes.means(np.stack([trained.swapaxes(0, 1)] * 2))
    seed_variance, found = PooledSeedVariance({name: (name, True) for name in names}, pool), {}
    for role, number in {"base": 0, "best single": int(np.nan_to_num(ap).argmax())}.items():
        name, predictions = names[number], [its[number] for its in members.on_test]
        fits = [calibrate(choice.targets, choice.predictions[number]) for choice in members.choices]
        own = score_row(members.targets, predictions, fits, classes, members.resamples, members.device)
        found[role] = {"variant": name, "classes": with_intervals({name: own}, name, seed_variance, level)}
    return found
