"""Where a model looks, against where the findings are."""

from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.results.study import Results
from cxrlt_core.system import text


def attention_section(results: Results) -> str:
    """Say where the base variant looks, scored where the place of a finding is known."""
    attention = results.attention
    if attention.reason:
        return f"Not known: {attention.reason}.\n"
    what = f"Cross-attention of `{attention.variant}`, a mean over heads and layers, without TTA"
    if not attention.classes:
        return f"{what}. Where a finding lies in an image is not known here, so nothing is scored.\n"
    side, classes = attention.grid, attention.classes
    header = ["class", "group", "images", "patients", "hits", "interval", "chance", "other images' maps"]
    rows = [
        [
            label,
            results.classes[label].group,
            f"{scores.images:,}",
            f"{scores.patients:,}",
            text.percent(scores.hits),
            f"[{text.percent(scores.low)}, {text.percent(scores.high)}]",
            text.percent(scores.chance),
            text.percent(scores.others),
        ]
        for label, scores in classes.items()
    ]
    above = [
        label for label, scores in classes.items() if scores.low > max(scores.chance, scores.others or 0)
    ]
    verdict = f"{len(above)} of {len(classes)} classes lie above both levels with their whole interval"
    return f"""{what}, on a grid of {side} × {side} cells. {verdict}{f": {text.sentence(above)}" if above else ""}.

{markdown_table(header, rows)}
*Hits* (pointing game, Zhang et al. 2018): of the development images in which the finding was drawn, the share whose greatest \
cell lies in the box around it, widened by half a cell ({0.5 / side:.3g} of the side); a mean over the seeds, with the \
{results.params.bootstrap.level:.0%} interval of a share of so many *patients* (Wilson). *Chance*: what a random cell hits. *Other \
images' maps*: what the maps of the other images with the finding hit, that is, what knowing where it usually lies is worth. Where \
chance is near 100 %, the box is nearly everywhere and a hit says nothing; a finding that only changes the anatomy has no box. \
Attention says what the model weighed, not why.
"""
