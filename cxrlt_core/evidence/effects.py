"""Main effects: what each design adds over all rows of a table, if designs add up."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from cxrlt_core.evidence.contrasts import Design, Rules, words
from cxrlt_core.evidence.estimator import Estimate
from cxrlt_core.evidence.family import MIN_SEEDS, family_size, holm, verdict
from cxrlt_core.evidence.scoring import TESTED, Score, contrast
from cxrlt_core.evidence.seed_variance import SeedVarianceModel
from cxrlt_core.system.rounding import rounded

NOT_ESTIMABLE = "not estimable"


@dataclass(frozen=True)
class Fit:
    """Least squares of rows on designs, with equal weights of the rows.

    Attributes:
        effects: design and change to the weights that rows have in its effect; empty where rows cannot tell
            it from others.
        residuals: contrasts that are 0 if designs add up; one of several that are the same.
    """

    effects: Mapping[tuple[str, str], Mapping[str, float]]
    residuals: Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Effect:
    """A design's main effect on mAP; None where undefined or withheld.

    Attributes:
        design: its name.
        change: from what the first row has, to what.
        weights: row to its weight in the effect; empty where it cannot be estimated.
        difference: point, low, high.
        p_holm: adjusted over the effects.
        published: the same weighted sum of the published figures.
        verdict: in words.
    """

    design: str
    change: str
    weights: dict[str, float]
    difference: list[float | None]
    p_holm: float | None
    published: float | None
    verdict: str


def fit(designs: Mapping[str, Mapping[str, Design]]) -> Fit:
    """Fit rows by their designs: one effect for each value of a design that the first row does not have.

    Args:
        designs: row to the name of each design to what it has of it, the same names for all rows.
    """
    rows, names, columns = list(designs), [], []
    first = designs[rows[0]]
    for name in first:
        values: list[Design] = []
        values += (own[name] for own in designs.values() if own[name] not in [first[name], *values])
        for value in values:
            names.append((name, " → ".join(words(first[name], value))))
            columns.append([float(own[name] == value) for own in designs.values()])
    matrix = np.array([np.ones(len(rows)), *columns]).T
    inverse = np.linalg.pinv(matrix)
    resolved = inverse @ matrix  # the identity where a coefficient is determined
    effects = {}
    for number, name in enumerate(names, 1):
        alone = np.allclose(resolved[number], np.eye(len(resolved))[number])
        effects[name] = _weights(rows, inverse[number]) if alone else {}
    return Fit(effects, _directions(rows, np.eye(len(rows)) - matrix @ inverse))


def _weights(rows: Sequence[str], values: np.ndarray) -> dict[str, float]:
    exact = zip(rows, values.round(9).tolist(), strict=True)  # without the rounding of the least squares
    return {row: value for row, value in exact if value}


def _directions(rows: Sequence[str], residuals: np.ndarray) -> list[dict[str, float]]:
    """Scale each residual so that its first weight is 1, and keep one of those that are then the same."""
    kept: list[np.ndarray] = []
    for one in residuals:
        weights = one[np.abs(one) > 1e-9]
        if len(weights) and not any(np.allclose(one / weights[0], other) for other in kept):
            kept.append(one / weights[0])
    return [_weights(rows, one) for one in kept]


def test_effects(
    designs: Mapping[str, Mapping[str, Design]],
    scores: Mapping[str, Score],
    seed_variance: SeedVarianceModel,
    published: Mapping[str, float | None],
    rules: Rules,
) -> dict:
    """Judge the main effects of a table as one family, and whether designs add up.

    Args:
        designs: row to the name of each design to what it has of it.
        scores: of each row, on the same resamples.
        seed_variance: of the trainings behind the rows.
        published: mAP of each row in the paper.
        rules: level, and what is negligible.

    Returns:
        As plain values: ``effects``, and ``additivity``: in how many ways designs might not add up, and the
        smallest p of them, adjusted; None with too few seeds, or where the rows leave no such way.
    """
    fitted = fit(designs)
    estimates = {name: _estimated(weights, scores, seed_variance) for name, weights in fitted.effects.items()}
    found = [one for one in estimates.values() if one]
    adjusted = iter(holm([one.p_value() for one in found]))
    effects = [
        Effect(*name, weights, [None] * 3, None, None, NOT_ESTIMABLE)
        if (one := estimates[name]) is None
        else _judged(name, weights, one, next(adjusted), family_size(found), published, rules)
        for name, weights in fitted.effects.items()
    ]
    left = [_estimated(weights, scores, seed_variance) for weights in fitted.residuals]
    told = [p for p in holm([one.p_value() for one in left if one.seeds >= MIN_SEEDS]) if np.isfinite(p)]
    additivity = {"ways": len(left), "p_holm": rounded(min(told)) if told else None}
    return {"effects": [asdict(one) for one in effects], "additivity": additivity}


def _estimated(
    weights: Mapping[str, float], scores: Mapping[str, Score], seed_variance: SeedVarianceModel
) -> Estimate | None:
    return contrast(scores, weights, TESTED["mAP"], seed_variance) if weights else None


def _judged(
    name: tuple[str, str],
    weights: Mapping[str, float],
    one: Estimate,
    p_holm: float,
    tests: int,
    published: Mapping[str, float | None],
    rules: Rules,
) -> Effect:
    figures = [published[row] for row in weights]
    known = None not in figures
    return Effect(
        *name,
        weights=dict(weights),
        difference=[rounded(value) for value in (one.point, *one.interval(rules.level))],
        p_holm=rounded(p_holm) if one.seeds >= MIN_SEEDS else None,
        published=rounded(sum(w * published[row] for row, w in weights.items())) if known else None,
        verdict=verdict(one, p_holm, rules.level, tests, rules.negligible),
    )
