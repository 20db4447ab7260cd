"""reports/report.md: the answer, the tables, what it would take and what may not be believed; its appendix beside it."""

from collections.abc import Sequence

from cxrlt_core.designs import find_design
from cxrlt_core.figures import Picture, Section
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting import evidence_report as evidence
from cxrlt_core.reporting.answer_report import answer_section, planner_section
from cxrlt_core.reporting.appendix_report import Figures, appendix, appendix_list
from cxrlt_core.reporting.external_report import external_sections
from cxrlt_core.reporting.limits_report import limits_section
from cxrlt_core.reporting.tables import to_markdown
from cxrlt_core.reporting.tricks_report import tricks_section
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

REPORT = "report.md"
DEMO_WARNING = (
    "> **Synthetic demo: drawn images, small stand-in encoders trained on nothing else. No number on this page "
    "reproduces a published figure or says anything about patients.**\n"
)
STANDIN_WARNING = "> **The text encoders are untrained stand-ins; the images are real.**\n"


def render(results: Results, pictures: Sequence[Picture]) -> dict[str, str]:
    """Write the report and its appendix: the path of each page in reports/ to its markdown, the report first.

    Pictures, in their order, are linked from ``figures/``.
    """
    figures, params = _figures(pictures), results.params
    warning = (
        [DEMO_WARNING] if params.demo.sources else [STANDIN_WARNING] if params.demo.text_encoders else []
    )
    sections = [
        *warning,
        f"# {params.report.title}\n",
        f"{answer_section(results)}\n{figures(Section.ANSWER)}",
        _run(results),
        _table1(results),
        _table2(results),
        *external_sections(results),
        *filter(None, [tricks_section(results)]),
        planner_section(results, figures(Section.PLAN)),
        limits_section(results),
        appendix_list(results),
    ]
    return {REPORT: "\n".join(sections), **appendix(results, _figures(pictures, "../"))}


def _figures(pictures: Sequence[Picture], root: str = "") -> Figures:
    """Return what gives the pictures of a section as markdown; root: the way from the page to reports/."""
    return lambda section: "\n".join(p.markdown(root) for p in pictures if p.section == section)


def _run(results: Results) -> str:
    params, sets = results.params, results.data.sets
    extra = " and ".join(f"`{name}`" for name in params.data.extra)
    return f"""## What was run

{len(params.variants)} variants on {sets["train_primary"].images:,} images of `{params.data.primary}`\
{f", replenished with {extra} where a row says so" if extra else ""}; {len(results.data.classes)} classes; development set of \
{sets["dev"].images:,} and test set of {sets["test"].images:,} images, split by patient. {evidence.seeds_text(params)} The \
[glossary](appendix/glossary.md) has every term and mark.
"""


def _table1(results: Results) -> str:
    params, rows = results.params, results.tables[0].rows
    selected = f"""†: scored on the development data that chose its class weights (`reweight.base`: `{params.reweight.base}`), so \
optimistic. """
    return f"""## Table 1: the designs, on the development set

{to_markdown(rows, params.bootstrap.level, full=False)}
{_chance(results, "dev")} {selected if any(row.selected for row in rows) else ""}{_more(1)}
"""


def _table2(results: Results) -> str:
    params = results.params
    return f"""## Table 2: the ensembles, on the test set

{to_markdown(results.tables[1].rows, params.bootstrap.level, full=False)}
{_chance(results, "test")} {_methods(params)} The test set is scored here, once, and nowhere else. {_more(2)}

{evidence.mixed_section(results)}"""


def _methods(params: Params) -> str:
    """Say how the ensembles of Table 2 combine their members, as the files of these designs say it."""
    methods = [find_design(name) for name in dict.fromkeys(row.method for row in params.table2)]
    said = [(method.__doc__ or "").partition("\n")[0].rpartition(": ")[2].rstrip(".") for method in methods]
    ways = "; ".join(f"*{method.TITLE}*: {way}" for method, way in zip(methods, said, strict=True))
    return f"""All members predict with TTA ({params.tta.views} views). Of the ensembles, {ways}. The best are \
{params.ensemble.top_k} models a class."""


def _chance(results: Results, split: str) -> str:
    """Say what scores drawn at random have on a set."""
    return f"Scores drawn at random: mAP {text.number(results.chance(split))}, mAUROC 0.5."


def _more(number: int) -> str:
    """Say where the rest of a table stands."""
    return f"[More columns](table{number}.md); [every difference](appendix/table{number}.md)."
