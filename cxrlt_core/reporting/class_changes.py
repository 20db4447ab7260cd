"""What two contrasts of Table 1 change class by class: the largest one, and that of reweighting."""

from collections.abc import Mapping, Sequence

from cxrlt_core.evidence.scoring import Score, class_numbers, contrast
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.figure_data import upweighted
from cxrlt_core.reporting.figures import largest, reweighted
from cxrlt_core.system.rounding import rounded


def weight_blocks(weights: Mapping[str, Mapping]) -> dict[str, list[str]]:
    """Return the classes that each of the weights puts up, and the others; none of these is empty."""
    return {
        f"{name}: {block}": its for name, one in weights.items() for block, its in upweighted(one).items()
    }


def class_changes(
    params: Params,
    contrasts: Sequence[Mapping],
    scores: Mapping[str, Score],
    noise: PooledSeedVariance,
    weights: Mapping[str, Mapping],
) -> dict:
    """Return ``changes``, ``means`` and ``weights`` of :class:`cxrlt_core.reporting.figures.Findings`.

    Args:
        params: of the study.
        contrasts: of Table 1, as plain values.
        scores: of its rows, with the means of :func:`weight_blocks`.
        noise: of the trainings.
        weights: name of a reweighting to the content of its weights file.
    """
    level, changes, means, number = params.bootstrap.level, {}, [], reweighted(contrasts)
    for one in {largest(contrasts), number} - {None}:
        row, reference = contrasts[one]["rows"]
        changes[one] = class_numbers(scores, {row: 1.0, reference: -1.0}, noise, level)
    if number is None:
        return {"changes": changes, "means": means, "weights": weights}
    row, reference = contrasts[number]["rows"]
    [name] = {params.variants[one.variant].weights for one in params.table1 if one.name == row}
    for block in upweighted(weights[name]):
        one = contrast(scores, {row: 1.0, reference: -1.0}, f"{name}: {block}", noise)
        point, low, high = map(rounded, (one.point, *one.interval(level)))
        means.append({"block": block, "difference": point, "low": low, "high": high})
    return {"changes": changes, "means": means, "weights": weights[name]}
