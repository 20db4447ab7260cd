"""What two contrasts of Table 1 change class by class: the largest one, and that of reweighting."""

from collections.abc import Mapping, Sequence

from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.figure_data import upweighted
from cxrlt_core.reporting.figures import largest, reweighted


def weight_blocks(weights: Mapping[str, Mapping]) -> dict[str, list[str]]:
    """Return the classes that each of the weights puts up, and the others; none of these is empty."""
    return {
        f"{name}: {block}": its for name, one in weights.items() for block, its in upweighted(one).items()
    }


def class_changes(
    params: Params, contrasts: Sequence[Mapping], table: ScoredTable, weights: Mapping[str, Mapping]
) -> dict:
    """Return ``changes``, ``means`` and ``weights`` of :class:`cxrlt_core.reporting.figures.Findings`.

    Args:
        params: of the study.
        contrasts: of Table 1, as plain values.
        table: its rows, scored with the means of :func:`weight_blocks`.
        weights: name of a reweighting to the content of its weights file.
    """
    changes, means, number = {}, [], reweighted(contrasts)
    for one in {largest(contrasts), number} - {None}:
        row, reference = contrasts[one]["rows"]
        changes[one] = table.class_numbers({row: 1.0, reference: -1.0})
    if number is None:
        return {"changes": changes, "means": means, "weights": weights}
    row, reference = contrasts[number]["rows"]
    [name] = {params.variants[one.variant].weights for one in params.table1 if one.name == row}
    for block in upweighted(weights[name]):
        one = table.contrast({row: 1.0, reference: -1.0}, f"{name}: {block}").rounded(table.level)
        means.append({"block": block, "difference": one.point, "low": one.low, "high": one.high})
    return {"changes": changes, "means": means, "weights": weights[name]}
