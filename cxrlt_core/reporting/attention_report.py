"""The section on where the model looks."""

from collections.abc import Mapping

from cxrlt_core.figures.style import sentence
from cxrlt_core.reporting.markdown import markdown_table, percent

HEADER = ("class", "group", "images", "patients", "hits", "interval", "chance", "other images' maps")


def attention_section(attention: Mapping, classes: Mapping[str, Mapping], level: float, figure: str) -> str:
    """Tell how often a model looks at a finding, where that can be known.

    Args:
        attention: content of metrics/attention.json.
        classes: class to its group.
        level: of the intervals.
        figure: the picture, empty where there is none.
    """
    return f"## Where the model looks\n\n{_scores(attention, classes, level)}\n{figure}"


def _scores(attention: Mapping, classes: Mapping[str, Mapping], level: float) -> str:
    if attention["reason"]:
        return f"Not known: {attention['reason']}.\n"
    what = f"Cross-attention of `{attention['variant']}`, a mean over heads and layers, without TTA"
    if not attention["classes"]:
        return f"{what}. Where a finding lies in an image is not known here, so nothing is scored.\n"
    side, found = attention["grid"], attention["classes"]
    rows = [_row(name, classes[name]["group"], one) for name, one in found.items()]
    above = [name for name, one in found.items() if one["low"] > max(one["chance"], one["others"] or 0)]
    verdict = f"{len(above)} of {len(found)} classes lie above both levels with their whole interval"
    return f"""{what}, on a grid of {side} × {side} cells. {verdict}{f": {sentence(above)}" if above else ""}.

{markdown_table(HEADER, rows)}
*Hits* (pointing game, Zhang et al. 2018): of the development images in which the finding was drawn, the share whose greatest \
cell lies in the box around it, widened by half a cell ({0.5 / side:.3g} of the side); a mean over the seeds, with the {level:.0%} \
interval of a share of so many *patients* (Wilson). *Chance*: what a random cell hits. *Other images' maps*: what the maps of \
the other images with the finding hit, that is, what knowing where it usually lies is worth. Where chance is \
near 100 %, the box is nearly everywhere and a hit says nothing; a finding that only changes the anatomy has no box. Attention says \
what the model weighed, not why.
"""


def _row(name: str, group: str, one: Mapping) -> list[str]:
    interval = f"[{percent(one['low'])}, {percent(one['high'])}]"
    counts = [f"{one['images']:,}", f"{one['patients']:,}"]
    return [
        name,
        group,
        *counts,
        percent(one["hits"]),
        interval,
        percent(one["chance"]),
        percent(one["others"]),
    ]
