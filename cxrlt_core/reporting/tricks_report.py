"""What each step of a bag of tricks costs, and what was claimed of its trick elsewhere."""

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.figures.gains import machine
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.results.steps import changed, hubs, is_bag, ranked, ratio
from cxrlt_core.results.study import Results
from cxrlt_core.study.catalogue import claimed, trick_of
from cxrlt_core.system import text

SAME = "as of {}, the same trick"
NO_FILE = "–"  # of recipes, starts and whatever changes several things


def tricks_section(results: Results) -> str:
    """Write the section; empty where the study declares no pairs."""
    steps = ranked(results) if is_bag(results) else []
    if not steps:
        return ""
    lines, told = [], dict[str, int]()
    for rank, step in enumerate(steps, 1):
        cost, contrast = ratio(results, step), step.contrast
        times = (cost.training.point, cost.prediction, cost.memory)
        gain = text.signed(contrast.difference.point)
        costs = ("–" if value is None else f"{value:.2f}×" for value in times)
        claim = claim_of(results.params, contrast)
        first = told.setdefault(claim, rank)
        if len(claim) > len(SAME) and first != rank:
            claim = SAME.format(first)
        lines.append([str(rank), changed(contrast), step.rows, gain, *costs, claim])
    header = ["", "step", "rows", "Δ mAP", "training", "prediction", "memory", "claimed elsewhere"]
    return f"""## What each step costs, and what was claimed of it

{hubs(steps)} Ranked by what was measured, so expect the first to gain less in another study. *Training* and *prediction*: \
time an image, *memory*: the peak of training, as multiples of the row that a step starts from. {machine(results)}

{markdown_table(header, lines)}
**Claimed elsewhere** is of other data, models and sizes, mostly of one training each and without an interval; data and source \
stand beside each figure, and it enters no computation. Figures of MIMIC-CXR-LT are against plain cross-entropy, unless they say \
otherwise. [Which classes gain](appendix/table1.md#every-difference).
"""


def claim_of(params: Params, contrast: Contrast) -> str:
    """Return what was claimed of the trick that a step is about."""
    module = trick_of(params, contrast.what, contrast.change)
    return NO_FILE if module is None else claimed(module)
