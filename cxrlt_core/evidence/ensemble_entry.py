"""What metrics/ensemble.json tells of a row of Table 2, as plain values."""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.evidence.ensembles import DevTestGap, Members, ScoredEnsemble, optimism
from cxrlt_core.evidence.scoring import Classes
from cxrlt_core.metrics.curves import describe_curves
from cxrlt_core.system.rounding import rounded


def describe_row(
    members: Members,
    weights: Sequence[np.ndarray],
    scored: ScoredEnsemble,
    plain: DevTestGap,
    classes: Classes,
    seeds: Sequence[int],
    level: float,
) -> dict:
    """Describe an ensemble: its choice and how stable that is, its calibration, its classes and curves.

    Args:
        members: with each seed.
        weights: that were chosen with each seed, (M, C).
        scored: the ensemble on the test set.
        plain: gap of the mean of all members.
        classes: of the test set.
        seeds: of training.
        level: of the intervals.
    """
    names, choices = classes.names, members.choices
    return {
        "weights": dict(zip(names, np.mean(weights, axis=0).T.tolist(), strict=True)),
        "stability": dict(zip(names, map(rounded, _mean(one.stability for one in choices)), strict=True)),
        "chosen_again": {
            name: [rounded(share) for share in shares]
            for name, shares in zip(names, _mean(one.chosen_again for one in choices).T, strict=True)
        },
        "calibration": {str(seed): fit.to_json(names) for seed, fit in zip(seeds, scored.fits, strict=True)},
        # development figures are optimistic where they chose the models; the plain means are not
        "dev_mAP": rounded(scored.gap.dev.point),
        "plain_dev_mAP": rounded(plain.dev.point),
        "plain_test_mAP": rounded(plain.test.point),
        "optimism": optimism(scored.gap, plain, level),
        "classes": scored.score.classes,
        "curves": describe_curves(members.targets, scored.predictions, scored.fits, names, classes.groups),
    }


def _mean(values: Sequence[np.ndarray]) -> np.ndarray:
    """Average over the seeds."""
    return np.mean(list(values), axis=0)
