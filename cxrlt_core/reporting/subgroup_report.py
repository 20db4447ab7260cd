"""Subgroups of the test set, the development set and those that have not been seen: by view, sex and age."""

from collections.abc import Iterator, Mapping

from cxrlt_core.evidence.external import LEAST, MATCHED
from cxrlt_core.evidence.scoring import FEWEST_PATIENTS
from cxrlt_core.evidence.subgroups import NOT_TOLD, Gap, Subgroup, Subgroups
from cxrlt_core.people import PERSON
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

TITLES = {"AUROC": "AUROC", MATCHED: "AP at the prevalence of the whole"}
SETS = {"test": "Test set", "dev": "Development set, which chose the members (†)"}


def subgroup_section(results: Results) -> str:
    """Return the section of the appendix; nothing where no set was scored by subgroups."""
    level = results.params.bootstrap.level
    sets = [_set(title, row, kinds) for title, row, kinds in _scored(results)]
    if not sets:
        return ""
    return f"""
## Subgroups

Groups are the same for every study: views, sexes, ages of 0–17, 18–39, 40–59, 60–79 and from 80 on. Whose sex or age is not told \
is in *{NOT_TOLD}*, which is in no gap; images of other views are in neither. A class counts in a group with at least {LEAST} positives of \
{FEWEST_PATIENTS} patients in it, and means are over the classes that all scored groups of a kind share: those groups are scored that give most \
groups times classes, by counts of labels alone. What is of fewer than {FEWEST_PATIENTS} patients is not told (–). Intervals ({level:.0%}) are \
those of the patients; one of a gap holds together with those of all pairs that it is the largest of, and the largest of several is \
larger than it would be again: expect less.

{chr(10).join(sets)}"""


def _scored(results: Results) -> Iterator[tuple[str, str, Mapping[str, Subgroups]]]:
    """Yield the title of each set, the row that is shown there and how it does on each kind of group."""
    shown = results.shown[0]
    own = results.ensembles.subgroups.get(shown, {})
    for name in (name for name in SETS if name in own):
        yield SETS[name], shown, own[name]
    for name, one in results.external.items():
        rows = [row for row in (shown, *one.subgroups) if row in one.subgroups]
        if rows:
            yield f"`{name}`, which has not been seen", rows[0], one.subgroups[rows[0]]


def _set(title: str, row: str, kinds: Mapping[str, Subgroups]) -> str:
    lines = [
        [kind, name, *_cells(group), str(len(found.classes)) if group.scored else "–"]
        for kind, found in kinds.items()
        for name, group in found.groups.items()
    ]
    header = ["by", "group", "images", "patients", "positives", *TITLES.values(), "classes"]
    gaps = [
        f"- By {kind} the groups differ most in {'; '.join(map(_gap, found.gaps))}.\n"
        for kind, found in kinds.items()
        if found.gaps
    ]
    untold = [kind for kind in PERSON if kind not in kinds]
    silent = f"Of {' and '.join(untold)} the source does not tell.\n" if untold else ""
    return f"""{title}, `{row}`:

{markdown_table(header, lines)}
{"".join(gaps)}{chr(10) if gaps and silent else ""}{silent}"""


def _cells(group: Subgroup) -> list[str]:
    counts = [group.images, group.patients, group.positives]
    told = ["–" if count is None else f"{count:,}" for count in counts]
    return [*told, text.within(*group.AUROC), text.within(*group.matched_AP)]


def _gap(gap: Gap) -> str:
    of = f", the largest of {gap.pairs} pairs" if gap.pairs > 1 else ""
    return f"{TITLES[gap.metric]}, {gap.better} above {gap.worse}: {text.bounded(*gap.difference)}{of}"
