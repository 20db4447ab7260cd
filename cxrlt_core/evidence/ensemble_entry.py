"""What metrics/ensemble.json tells of Table 2."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.ensembles import DevTestGap, Members, ScoredEnsemble, SingleModel, optimism
from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.scored_table import RowNumbers
from cxrlt_core.metrics.curves import describe_curves
from cxrlt_core.system.rounding import rounded


@dataclass(frozen=True)
class Selection:
    """What was chosen for an ensemble, how stable that is, and what it costs.

    Attributes:
        models: names of its M members.
        weights: class to that of each member, a mean over the seeds.
        stability: class to the share of its chosen members that a resample chooses again.
        chosen_again: class to the share of resamples that choose each member.
        calibration: seed to the temperature and the thresholds.
        dev_mAP: on development data, which chose: optimistic.
        plain_dev_mAP: of the mean of all members.
        plain_test_mAP: of the mean of all members.
        optimism: what the ensemble loses beyond that mean from development to test data.
        curves: from :func:`cxrlt_core.metrics.curves.describe_curves`.
    """

    models: list[str]
    weights: dict[str, list[float]]
    stability: dict[str, float | None]
    chosen_again: dict[str, list[float | None]]
    calibration: Mapping[str, Any]
    dev_mAP: float | None
    plain_dev_mAP: float | None
    plain_test_mAP: float | None
    optimism: Interval
    curves: Any


@dataclass(frozen=True)
class EnsembleRow(Selection, RowNumbers):
    """A row of Table 2.

    Attributes:
        classes: class to its metrics on test data.
    """

    classes: Mapping[str, Any]


@dataclass(frozen=True)
class EnsembleResults:
    """The content of metrics/ensemble.json.

    Attributes:
        images: of the test set.
        rows: of Table 2, by name.
        singles: role to a model alone.
        contrasts: between the rows.
    """

    images: int
    rows: Mapping[str, EnsembleRow]
    singles: Mapping[str, SingleModel]
    contrasts: list[Contrast]


def describe_selection(
    members: Members, scored: ScoredEnsemble, plain: DevTestGap, level: float
) -> Selection:
    """Describe what was chosen for an ensemble.

    Args:
        members: with each seed.
        scored: the ensemble on the test set.
        plain: gap of the mean of all members.
        level: of the intervals.
    """
    classes, choices = members.test.classes, members.choices
    names = classes.names
    fits = zip(members.seeds, scored.fits, strict=True)
    chosen_again = zip(names, _mean(choice.chosen_again for choice in choices).T, strict=True)
    return Selection(
        models=list(members.names),
        weights=dict(zip(names, np.mean(scored.weights, axis=0).T.tolist(), strict=True)),
        stability=dict(zip(names, map(rounded, _mean(c.stability for c in choices)), strict=True)),
        chosen_again={name: [rounded(share) for share in shares] for name, shares in chosen_again},
        calibration={str(seed): fit.to_json(names) for seed, fit in fits},
        dev_mAP=rounded(scored.gap.dev.point),
        plain_dev_mAP=rounded(plain.dev.point),
        plain_test_mAP=rounded(plain.test.point),
        optimism=optimism(scored.gap, plain, level),
        curves=describe_curves(members.test.targets, scored.predictions, scored.fits, names, classes.groups),
    )


def _mean(values: Iterable[np.ndarray]) -> np.ndarray:
    """Average over the seeds."""
    return np.mean(list(values), axis=0)
