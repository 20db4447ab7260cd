"""Subgroups of the test set: frontal and lateral images."""

from cxrlt_core.evidence.external import LEAST, MATCHED
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

TITLES = {"AUROC": "AUROC", MATCHED: "AP at the prevalence of the whole"}


def subgroup_section(results: Results) -> str:
    """Return the section of the appendix; nothing where the test set has one view alone, or too few positives."""
    shown, _ = results.shown
    views = results.ensembles.views.get(shown)
    if views is None:
        return ""
    lines = [
        [
            name,
            *(f"{number:,}" for number in (group.images, group.patients, group.positives)),
            text.within(*group.AUROC),
            text.within(*group.matched_AP),
        ]
        for name, group in views.groups.items()
    ]
    gaps = "; ".join(
        f"{TITLES[gap.metric]} {text.bounded(*gap.difference)}, {gap.better} above {gap.worse}"
        for gap in views.gaps
    )
    header = ["view", "images", "patients", "positives", *TITLES.values()]
    return f"""
## By view

Test set, `{shown}`: means over {len(views.classes)} classes with at least {LEAST} positives in each view. Images of other views are in neither.

{markdown_table(header, lines)}
The largest gap: {gaps}. Intervals ({results.params.bootstrap.level:.0%}) are those of the patients; a patient may be in both views.
"""
