"""What metrics/ensemble.json tells of Table 2."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxrlt_core.evidence.contrasts import Measured
from cxrlt_core.evidence.ensembles import DevTestGap, Members, ScoredEnsemble, SingleModel, optimism
from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.scored_table import RowNumbers
from cxrlt_core.evidence.subgroups import Subgroups
from cxrlt_core.metrics.curves import describe_curves
from cxrlt_core.system.rounding import rounded


@dataclass(frozen=True)
class Selection:
    """What was chosen for an ensemble, how stable that is, and what it costs."""

    models: list[str]  # names of its M members
    weights: dict[str, list[float]]  # class to that of each member, a mean over the seeds
    # class to the share of its chosen members that a resample chooses again
    stability: dict[str, float | None]
    chosen_again: dict[str, list[float | None]]  # class to the share of resamples that choose each member
    calibration: Mapping[str, Any]  # seed to the temperature and the thresholds
    dev_mAP: float | None  # on development data, which chose: optimistic
    plain_dev_mAP: float | None  # of the mean of all members
    plain_test_mAP: float | None  # of the mean of all members
    optimism: Interval  # what the ensemble loses beyond that mean from development to test data
    curves: Any  # from :func:`cxrlt_core.metrics.curves.describe_curves`


@dataclass(frozen=True)
class EnsembleRow(Selection, RowNumbers):
    """A row of Table 2."""

    classes: Mapping[str, Any]  # class to its metrics on test data


@dataclass(frozen=True)
class EnsembleResults:
    """The content of metrics/ensemble.json."""

    images: int  # of the test set
    rows: Mapping[str, EnsembleRow]  # of Table 2, by name
    singles: Mapping[str, SingleModel]  # role to a model alone
    contrasts: list[Measured]  # between the rows; judged together with those of Table 1
    # published row, if any is, to set, dev or test, to kind to how it does on subgroups
    subgroups: Mapping[str, Mapping[str, Mapping[str, Subgroups]]] = field(default_factory=dict)


def describe_selection(
    members: Members, scored: ScoredEnsemble, plain: DevTestGap, level: float
) -> Selection:
    """Describe what was chosen for an ensemble, beside the gap of the plain mean of all members."""
    classes, choices = members.test.classes, members.choices
    names = classes.names
    fits = zip(members.seeds, scored.fits, strict=True)
    again = np.mean([choice.chosen_again for choice in choices], axis=0).T.tolist()
    stability = map(rounded, np.mean([choice.stability for choice in choices], axis=0))
    return Selection(
        models=list(members.names),
        weights=dict(zip(names, np.mean(scored.weights, axis=0).T.tolist(), strict=True)),
        stability=dict(zip(names, stability, strict=True)),
        chosen_again={
            name: list(map(rounded, of_class)) for name, of_class in zip(names, again, strict=True)
        },
        calibration={str(seed): fit.to_json(names) for seed, fit in fits},
        dev_mAP=rounded(scored.gap.dev.point),
        plain_dev_mAP=rounded(plain.dev.point),
        plain_test_mAP=rounded(plain.test.point),
        optimism=optimism(scored.gap, plain, level),
        curves=describe_curves(members.test.targets, scored.predictions, scored.fits, names, classes.groups),
    )
