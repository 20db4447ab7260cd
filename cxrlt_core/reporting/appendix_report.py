"""The pages beside reports/report.md: all that stands behind it, a page a question."""

from collections.abc import Callable
from dataclasses import dataclass

from cxrlt_core.evidence.scoring import FEWEST_PATIENTS
from cxrlt_core.figures import Section
from cxrlt_core.reporting import evidence_report as evidence
from cxrlt_core.reporting.answer_report import needs_section
from cxrlt_core.reporting.attention_report import attention_section
from cxrlt_core.reporting.glossary_report import glossary
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.notes import caveat
from cxrlt_core.reporting.provenance_report import provenance_section
from cxrlt_core.reporting.subgroup_report import subgroup_section
from cxrlt_core.reporting.tables import further_metrics
from cxrlt_core.reporting.zero_shot_report import zero_shot_sections
from cxrlt_core.results.models import ClassScore
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

#: Gives the pictures of a section as markdown.
Figures = Callable[[Section], str]
FOLDER = "appendix"


@dataclass(frozen=True)
class Page:
    """A page of the appendix."""

    name: str  # of its file
    title: str
    about: str  # what it has, as the report lists it
    write: Callable[[Results, Figures], str]  # its sections as markdown

    @property
    def path(self) -> str:
        """Where it lies in reports/."""
        return f"{FOLDER}/{self.name}.md"


def appendix(results: Results, figures: Figures) -> dict[str, str]:
    """Write the pages: path in reports/ to markdown; each begins with its title and the way back."""
    note = f"> {caveat(results.params)}\n\n" if caveat(results.params) else ""
    head = f"[Back to the report](../report.md)\n\n{note}"
    return {page.path: f"# {page.title}\n\n{head}{page.write(results, figures)}" for page in pages(results)}


def pages(results: Results) -> list[Page]:
    """Return the pages of a study, that of hidden classes only where there are any."""
    return [page for page in PAGES if page.name != ZERO_SHOT or results.zero_shot]


def appendix_list(results: Results) -> str:
    """Write the section of the report that links the pages."""
    lines = "".join(f"- [{page.title}]({page.path}): {page.about}\n" for page in pages(results))
    labels = "- [Labels](data.md): of every source, what was dropped and why, what sets share\n"
    return f"## Appendix\n\n{lines}{labels}"


def _table1(results: Results, figures: Figures) -> str:
    table = results.tables[0]
    return f"""{figures(Section.TABLE1)}
## Every difference

{evidence.contrasts_section(results.params, table, figures(Section.CONTRASTS1))}
{figures(Section.CHANGES)}
## Upweighted classes

{evidence.upweighted_text(results.weights, results.upweighted)} {evidence.UPWEIGHTED}

## Main effects

{evidence.effects_section(results)}
## Further metrics

{further_metrics(table.rows)}
The thresholds of *F1* were chosen on these same data (†); each half of the patients is scaled by the temperature that the \
other half asks for.
"""


def _table2(results: Results, figures: Figures) -> str:
    table = results.tables[1]
    return f"""{figures(Section.TABLE2)}
## Every difference

{evidence.contrasts_section(results.params, table, figures(Section.CONTRASTS2))}
Steps of training of the members: {evidence.steps_text(results)}.

## What selection costs

{evidence.selection_section(results)}
{figures(Section.SELECTION)}
## Further metrics

{further_metrics(table.rows)}
Thresholds and temperature were fitted on development data.

{figures(Section.CALIBRATION)}"""


def _classes(results: Results, figures: Figures) -> str:
    shown, level = results.shown[0], results.params.bootstrap.level
    return f"""{figures(Section.CLASSES)}
AP and AUROC: test set, `{shown}`, with {level:.0%} intervals on the logit scale; none with fewer than \
{FEWEST_PATIENTS} positive patients, or so near 1 that less than one of them would have to fail. Under the names of the sets: positive images; then positive \
patients.

{_class_scores(results)}{_undefined(results)}{subgroup_section(results)}
## Where the model looks

{attention_section(results)}
{figures(Section.ATTENTION)}"""


def _class_scores(results: Results) -> str:
    """Show the positives of each class, how well the shown ensemble finds them, and how stable its choice is."""
    sets, ensemble = results.data.shown(), results.shown[1]
    header = [
        "class",
        "group",
        "training prevalence",
        *sets,
        "patients, dev",
        "patients, test",
        "AP",
        "AUROC",
    ]
    lines = [
        [
            label,
            info.group,
            text.percent(info.prevalence),
            *(f"{counts.classes[label].positive:,}" for counts in sets.values()),
            *(f"{table.positives[label]:,}" for table in results.tables),
            *_ranked(ensemble.classes[label]),
            text.percent(ensemble.stability[label]),
        ]
        for label, info in results.classes.items()
    ]
    return markdown_table([*header, "stability of the choice"], lines)


def _undefined(results: Results) -> str:
    """Name the classes that no metric can be computed of."""
    lacking = [
        f"{label} ({split})"
        for split in ("dev", "test")
        for label, counts in results.data.sets[split].classes.items()
        if not counts.positive or not counts.negative
    ]
    why = "Without a known positive or a known negative, so undefined and left out of every mean"
    return f"\n{why}: {', '.join(lacking)}.\n" if lacking else ""


def _ranked(score: ClassScore) -> list[str]:
    """AP and AUROC of a class, as a table shows them."""
    auroc = score.AUROC, score.AUROC_low, score.AUROC_high
    return [text.within(score.AP, score.AP_low, score.AP_high), text.within(*auroc)]


def _origins(results: Results, figures: Figures) -> str:
    return f"""## Data

{figures(Section.DATA)}
## Training

{figures(Section.TRAINING)}
{_trainings(results)}
{provenance_section(results)}"""


def _trainings(results: Results) -> str:
    """Show what each training saw and took."""
    time = "time" if len(results.params.train.seeds) == 1 else "time of each seed"
    header = ["variant", "images", "steps", "passes over the primary images", time, "peak memory", "device"]
    lines = [
        [
            variant,
            *(f"{number:,}" for number in (costs[0].images, costs[0].steps)),
            str(costs[0].passes),
            ", ".join(text.duration(cost.seconds) for cost in costs),
            f"{max(cost.peak_memory_mib for cost in costs):,} MiB",
            " and ".join(dict.fromkeys(cost.device for cost in costs)),
        ]
        for variant, costs in results.costs.items()
    ]
    longer = "A replenished variant takes more steps for the same passes over the primary images.\n\n"
    return f"{longer if results.params.data.extra else ''}{markdown_table(header, lines)}"


ZERO_SHOT = "zero-shot"
PAGES = (
    Page("table1", "Table 1, step by step", "every difference, main effects, further metrics", _table1),
    Page("table2", "Table 2, step by step", "every difference, what selection costs, calibration", _table2),
    Page("plan", "What would resolve a step", "seeds or patients", lambda results, _: needs_section(results)),
    Page("classes", "The classes", "positives, AP and AUROC of each, and where the model looks", _classes),
    Page(
        ZERO_SHOT, "Hidden classes", "asked for by name alone", lambda results, _: zero_shot_sections(results)
    ),
    Page("origins", "Where the numbers come from", "data, training, encoders, recipe, machines", _origins),
    Page("glossary", "Glossary", "every term and mark", lambda results, _: glossary(results)),
)
