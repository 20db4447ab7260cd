"""Where a model looks, against where the findings are."""

from cxrlt_core.metrics.pointing import LEAST
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.results.models import Attention
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

MOST = 40  # names in a sentence


def attention_section(results: Results) -> str:
    """Say where the base variant looks, scored where the place of a finding is known."""
    parts = [_set(results.attention, results)]
    for name, attention in results.attended.items():
        parts.append(f"### On `{name}`\n\n{_set(attention, results)}")
    if any(one.classes for one in (results.attention, *results.attended.values())):
        parts.append(f"""*Hits* (pointing game, Zhang et al. 2018): of the images with a box around the finding, the share whose \
greatest cell lies in one of its boxes, widened by half a cell; a mean over the seeds, with the {results.params.bootstrap.level:.0%} interval of a share (Wilson), as if all images of a patient were hit together. *Chance*: \
what a random cell hits, that is, how much of the image the boxes fill. *Centre*: what the middle of the image hits. *Other \
patients*: what the mean map of the other patients with the finding hits, that is, what knowing where it usually lies is worth. Where \
chance is near 100 %, boxes are nearly everywhere and a hit says nothing; a finding that only changes the anatomy has no box. \
Attention says what the model weighed, not why.
""")
    return "\n".join(parts)


def _set(attention: Attention, results: Results) -> str:
    """Say where the base variant looks in the images of one set."""
    if attention.reason:
        return f"Not known: {attention.reason}.\n"
    what = f"Cross-attention of `{attention.variant}`, a mean over heads and layers, without TTA"
    notes = ""
    if attention.few:
        notes += f"Of fewer than {LEAST} patients, so not scored: {text.sentence(attention.few, MOST)}. "
    if attention.left_out:
        notes += f"Boxes that are left out: {text.counts(attention.left_out)}."
    notes = f"\n{notes.strip()}\n" if notes else ""
    if not attention.classes:
        return f"{what}. Where a finding lies in an image is not known here, so nothing is scored.\n{notes}"
    side, classes = attention.grid, attention.classes
    header = ["class", "group", "images", "boxes", "patients", "hits", "interval", "chance", "centre"]
    rows = [
        [
            label,
            results.classes[label].group,
            *(f"{number:,}" for number in (scores.images, scores.boxes, scores.patients)),
            text.percent(scores.hits),
            f"[{text.percent(scores.low)}, {text.percent(scores.high)}]",
            *(text.percent(level) for level in (scores.chance, scores.centre, scores.others)),
        ]
        for label, scores in classes.items()
    ]
    above = [
        label
        for label, scores in classes.items()
        if scores.low > max(scores.chance, scores.centre, scores.others)
    ]
    verdict = f"{len(above)} of {len(classes)} classes lie above all three levels with their whole interval"
    return f"""{what}, on a grid of {side} × {side} cells. {verdict}{f": {text.sentence(above)}" if above else ""}.

{markdown_table([*header, "other patients"], rows)}{notes}"""
