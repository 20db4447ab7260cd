"""reports/report.md: what was run, what came out, and how far the numbers can be believed."""

from collections.abc import Callable, Sequence

from cxrlt_core.evidence.scoring import FEWEST_PATIENTS
from cxrlt_core.figures import Picture, Section
from cxrlt_core.reporting import evidence_report as evidence
from cxrlt_core.reporting.answer_report import answer_section, planner_section
from cxrlt_core.reporting.data_report import origins_text, sizes_table
from cxrlt_core.reporting.external_report import external_sections
from cxrlt_core.reporting.glossary_report import glossary
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.provenance_report import provenance_section
from cxrlt_core.reporting.subgroup_report import subgroup_sections
from cxrlt_core.reporting.tables import further_metrics, to_markdown
from cxrlt_core.results.models import ClassScore
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

DEMO_WARNING = (
    "> **Synthetic demo: the images are drawn by a program and the encoders are small stand-ins, trained on "
    "nothing else. No number on this page reproduces a published figure or says anything about patients.**\n"
)
STANDIN_WARNING = "> **The text encoders are untrained stand-ins; the images are real.**\n"
#: Gives the pictures of a section as markdown.
Figures = Callable[[Section], str]


def render(results: Results, pictures: Sequence[Picture]) -> str:
    """Write the report as markdown; its pictures, in their order, are linked from ``figures/``."""

    def figures(section: Section) -> str:
        return "\n".join(picture.markdown for picture in pictures if picture.section == section)

    demo = results.params.demo
    warning = [DEMO_WARNING] if demo.sources else [STANDIN_WARNING] if demo.text_encoders else []
    sections = [
        f"# {results.params.report.title}\n",
        f"{answer_section(results)}\n{figures(Section.ANSWER)}",
        _run(results),
        _table1(results, figures),
        _table2(results, figures),
        *external_sections(results),
        planner_section(results, figures(Section.PLAN)),
        f"### Would a new training agree?\n\n{evidence.improvement_section(results)}",
        _classes(results, figures),
        *subgroup_sections(results),
        f"## Where the model looks\n\n{_attention(results)}\n{figures(Section.ATTENTION)}",
        _data(results, figures),
        _training(results, figures),
        provenance_section(results),
        glossary(results),
    ]
    return "\n".join(warning + sections)


def _run(results: Results) -> str:
    params, sets = results.params, results.data.sets
    seeds, extra = len(params.train.seeds), " and ".join(f"`{name}`" for name in params.data.extra)
    return f"""## What was run

{len(params.variants)} variants, trained {"once" if seeds == 1 else f"{seeds} times,"} on {sets["train_primary"].images:,} images of \
`{params.data.primary}`{f", replenished with {extra} where a row says so" if extra else ""}, {len(results.data.classes)} classes; \
development set of {sets["dev"].images:,} and test set of {sets["test"].images:,} images, split by patient. The \
[glossary](#glossary) at the end has every term and mark of this page.

{evidence.seeds_text(params)}
{evidence.alarms_text(results)}"""


def _table1(results: Results, figures: Figures) -> str:
    params, table = results.params, results.tables[0]
    return f"""## Table 1: the designs, on the development set

{to_markdown(table.rows, params.bootstrap.level)}
{figures(Section.TABLE1)}
The development set chose the class weights (`reweight.base`: `{params.reweight.base}`), so reweighted rows (†) are \
scored on data that their loss has seen in that one way. {evidence.upweighted_text(results.weights, results.upweighted)} \
{evidence.UPWEIGHTED}

### What each design changes

{evidence.contrasts_section(params, table, figures(Section.CONTRASTS1))}
{figures(Section.CHANGES)}
### Main effects

{evidence.effects_section(results)}
### Further metrics

{further_metrics(table.rows)}
The thresholds of *F1* were chosen on these same data (†); each half of the patients is scaled by the temperature that the \
other half asks for.
"""


def _table2(results: Results, figures: Figures) -> str:
    params, table = results.params, results.tables[1]
    return f"""## Table 2: the ensembles, on the test set

{to_markdown(table.rows, params.bootstrap.level)}
{figures(Section.TABLE2)}
All members predict with TTA ({params.tta.views} views). *Model-wise* averages all models; *class-wise* \
averages, per class, the {params.ensemble.top_k} with the best development AP; both are the paper's. *Bagged* repeats that choice on \
resampled development patients and weighs models by how often they are chosen; *shrunk* pulls the choice to the mean of all models, \
halfway for a class with {params.ensemble.prior_positives:g} development positives. The test set is scored here, once, and nowhere else.

### What each design changes

{evidence.contrasts_section(params, table, figures(Section.CONTRASTS2))}
{evidence.mixed_section(results)}### What selection costs

{evidence.selection_section(results)}
{figures(Section.SELECTION)}
### Further metrics

{further_metrics(table.rows)}
Thresholds and temperature were fitted on development data.

{figures(Section.CALIBRATION)}"""


def _classes(results: Results, figures: Figures) -> str:
    sets, (shown, ensemble) = results.data.shown(), results.shown
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
    lacking = [
        f"{label} ({split})"
        for split in ("dev", "test")
        for label, counts in results.data.sets[split].classes.items()
        if not counts.positive or not counts.negative
    ]
    undefined = f"\nWithout a known positive or a known negative, so undefined and left out of every mean: {', '.join(lacking)}.\n"
    return f"""## Classes

{figures(Section.CLASSES)}
AP and AUROC: test set, `{shown}`, with {results.params.bootstrap.level:.0%} intervals on the logit scale; none with fewer than \
{FEWEST_PATIENTS} positive patients, or so near 1 that less than one of them would have to fail. *Stability*: of the models chosen for the class, the share that another sample of \
development patients would choose again. Under the names of the sets: positive images; then positive patients.

{markdown_table([*header, "stability of the choice"], lines)}{undefined if lacking else ""}"""


def _ranked(score: ClassScore) -> list[str]:
    """AP and AUROC of a class, as a table shows them."""
    auroc = score.AUROC, score.AUROC_low, score.AUROC_high
    return [text.within(score.AP, score.AP_low, score.AP_high), text.within(*auroc)]


def _attention(results: Results) -> str:
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


def _data(results: Results, figures: Figures) -> str:
    return f"""## Data

{sizes_table(results.data)}
{origins_text(results.data)}
[data.md](data.md) counts the labels of every source, what was dropped or rejected and why, and what was checked \
across sets.

{figures(Section.DATA)}"""


def _training(results: Results, figures: Figures) -> str:
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
    return f"""## Training

{figures(Section.TRAINING)}
A replenished variant takes more steps for the same number of passes over the primary images.

{markdown_table(header, lines)}"""
