"""Main effects: what each design adds over all rows of a table, if designs add up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.evidence.contrasts import Contrast, Design, words
from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.family import DOWN, MIN_SEEDS, UP, explored
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import TESTED
from cxrlt_core.system.rounding import rounded

NOT_ESTIMABLE = "not estimable"


@dataclass(frozen=True)
class Fit:
    """Least squares of rows on designs, with equal weights of the rows."""

    # design and change to the weights that rows have in its effect; empty where rows cannot tell it from
    # others
    effects: Mapping[tuple[str, str], Mapping[str, float]]
    # contrasts that are 0 if designs add up; one of several that are the same
    residuals: Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Effect:
    """A design's main effect on mAP; None where undefined or withheld."""

    design: str
    change: str  # from what the first row has, to what
    weights: dict[str, float]  # row to its weight in the effect; empty where it cannot be estimated
    difference: Interval
    p: float | None  # of no effect, for this one alone
    published: float | None  # the same weighted sum of the published figures
    verdict: str  # of the contrast that it is, if it is one


@dataclass(frozen=True)
class Additivity:
    """Whether designs add up."""

    ways: int  # in how many they might not
    # the smallest p of them, adjusted; None with too few seeds, or where the rows leave no way
    p_adjusted: float | None


@dataclass(frozen=True)
class MainEffects:
    """The main effects of a table, and whether they tell all."""

    effects: list[Effect]
    additivity: Additivity


def fit(designs: Mapping[str, Mapping[str, Design]]) -> Fit:
    """Fit rows by their designs: one effect for each value of a design that the first row does not have."""
    rows, columns = list(designs), []
    names: list[tuple[str, str]] = []
    first = designs[rows[0]]
    for name in first:
        values: list[Design] = []
        values += (row[name] for row in designs.values() if row[name] not in [first[name], *values])
        for value in values:
            names.append((name, " → ".join(words(first[name], value))))
            columns.append([float(row[name] == value) for row in designs.values()])
    matrix = np.array([np.ones(len(rows)), *columns]).T
    inverse = np.linalg.pinv(matrix)
    resolved = inverse @ matrix  # the identity where a coefficient is determined
    effects = {}
    for number, effect in enumerate(names, 1):
        alone = np.allclose(resolved[number], np.eye(len(resolved))[number])
        effects[effect] = _weights(rows, inverse[number]) if alone else {}
    return Fit(effects, _directions(rows, np.eye(len(rows)) - matrix @ inverse))


def _weights(rows: Sequence[str], values: np.ndarray) -> dict[str, float]:
    exact = zip(rows, values.round(9).tolist(), strict=True)  # without the rounding of the least squares
    return {row: value for row, value in exact if value}


def _directions(rows: Sequence[str], residuals: np.ndarray) -> list[dict[str, float]]:
    """Scale each residual so that its first weight is 1, and keep one of those that are then the same."""
    kept: list[np.ndarray] = []
    for residual in residuals:
        weights = residual[np.abs(residual) > 1e-9]
        if len(weights) and not any(np.allclose(residual / weights[0], scaled) for scaled in kept):
            kept.append(residual / weights[0])
    return [_weights(rows, scaled) for scaled in kept]


def test_effects(
    designs: Mapping[str, Mapping[str, Design]], table: ScoredTable, contrasts: Sequence[Contrast]
) -> MainEffects:
    """Estimate the main effects of a table, and test whether designs add up.

    An effect that is one of the contrasts has its verdict; any other has none, since nobody declared it.
    """
    fitted = fit(designs)
    effects = [_effect(name, weights, table, contrasts) for name, weights in fitted.effects.items()]
    residuals = [table.contrast(weights, TESTED["mAP"]) for weights in fitted.residuals]
    p_values = [each.p_value() for each in residuals if each.seeds >= MIN_SEEDS]
    defined = [p for p in p_values if np.isfinite(p)]
    smallest = rounded(min(1.0, len(defined) * min(defined))) if defined else None
    return MainEffects(effects, Additivity(len(residuals), smallest))


def _effect(
    name: tuple[str, str], weights: Mapping[str, float], table: ScoredTable, contrasts: Sequence[Contrast]
) -> Effect:
    if not weights:
        return Effect(*name, {}, Interval(None, None, None), None, None, NOT_ESTIMABLE)
    estimate = table.contrast(weights, TESTED["mAP"])
    return Effect(
        *name,
        weights=dict(weights),
        difference=estimate.rounded(table.level),
        p=rounded(estimate.p_value()) if estimate.seeds >= MIN_SEEDS else None,
        published=table.published_sum(weights),
        verdict=_verdict_of(weights, contrasts) or explored(estimate).verdict,
    )


def _verdict_of(weights: Mapping[str, float], contrasts: Sequence[Contrast]) -> str | None:
    """Return the verdict of the pair of rows that an effect is, either way round."""
    for pair in contrasts:
        if len(pair.rows) == 2:
            row, reference = pair.rows
            if weights == {row: 1.0, reference: -1.0}:
                return pair.verdict
            if weights == {row: -1.0, reference: 1.0}:
                return {UP: DOWN, DOWN: UP}.get(pair.verdict, pair.verdict)
    return None
