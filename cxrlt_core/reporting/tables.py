"""Table 1 and Table 2: their rows, as JSON, CSV and markdown; and CSV behind the plots of dvc.yaml."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrlt_core.designs import find_design
from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.metrics.metric import FURTHER, TABLE, means
from cxrlt_core.params.schema import Params, Table2Row
from cxrlt_core.reporting.attribution import DATA, ENSEMBLE, describe
from cxrlt_core.reporting.designs import TICK, row_designs, selects, texts
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.notes import caveat, noted
from cxrlt_core.results.models import Ensemble
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Row, Table
from cxrlt_core.system import text
from cxrlt_core.system.rounding import rounded

SELECTED = " †"  # scored on what it was selected upon
#: Columns that .dvc/plots/ names.
CONTRASTS = (
    "step", "difference", "difference_low", "difference_high", "published_difference", "family", "verdict",
)  # fmt: skip
#: Column to what a row's label says of it, where that is not the cell alone.
PHRASES = {"reweight": "reweight ×{}", "loss": "{} loss", "models": "{} models"}


def rows1(params: Params, table: ScoredTable) -> list[Row]:
    """Return the rows of Table 1."""
    rows = []
    for row in params.table1:
        design, selected = texts(row_designs(params, row)), selects(params, row.variant)
        numbers = vars(table.row_numbers(row.name, params.table1[0].name))
        words = {"selected": selected, "label": row_label(design)}
        rows.append(Row(row.name, design, **numbers, published=row.published, **words))
    return rows


def rows2(params: Params, ensembles: Mapping[str, Ensemble]) -> list[Row]:
    """Take the rows of Table 2 as the ensemble stage scored them."""
    rows = []
    for row in params.table2:
        entry = ensembles[row.name]
        design = ensemble_columns(params, row)
        numbers = entry.metrics, entry.std_errors, entry.seeds, entry.difference
        rows.append(Row(row.name, design, *numbers, row.published, label=row_label(design)))
    return rows


def ensemble_columns(params: Params, row: Table2Row) -> dict[str, str]:
    """Return the columns of a row of Table 2; its name where it is not that of its method and data."""
    members, method = describe(params, row).values(), find_design(row.method)
    extra = any(member.replenished for member in members)
    usual = row.name in (row.method, f"{row.method}_replenished")
    return {
        "name": "" if usual else row.name,
        ENSEMBLE: method.TITLE,
        DATA: TICK if extra else "",
        "models": str(len(members)),
    }


def row_label(design: Mapping[str, str]) -> str:
    """Say in a few words what a row has."""
    cells = ((column, cell) for column, cell in design.items() if cell)
    return ", ".join(c if cell == TICK else PHRASES.get(c, "{}").format(cell) for c, cell in cells)


def headline(results: Results, plain: Sequence[float | None]) -> dict[str, float | None]:
    """Return the few numbers to watch in ``dvc exp show``; None where undefined.

    ``plain`` is the development mAP of every variant, without TTA.
    """
    best1, best2 = (
        max(np.array([row.metrics["mAP"] for row in table.rows], float)) for table in results.tables
    )
    chance = results.chance("dev") or np.nan
    return {
        "best_dev_mAP": rounded(best1),
        "best_test_mAP": rounded(best2),
        "mean_dev_prevalence": rounded(chance),
        "lowest_dev_mAP_over_prevalence": rounded(min(np.array(plain, float)) / chance),
    }


def to_json(rows: Sequence[Row]) -> dict[str, dict[str, float | None]]:
    """Row name to its mAP alone, as ``dvc exp show`` can hold it; :func:`to_csv` has all."""
    return {row.name: {"mAP": row.metrics["mAP"]} for row in rows}


def to_csv(rows: Sequence[Row], note: str) -> str:
    """All numbers, one row a line; a note stands in a column of its own."""
    records = [
        {
            "row": row.name,
            **row.design,
            **row.metrics,
            **{f"{name}_se": value for name, value in row.std_errors.items()},
            "mAP_seeds": " ".join(map(text.number, row.seeds)),
            **dict(zip(("difference", "difference_low", "difference_high"), row.difference, strict=True)),
            "published_mAP": row.published,
        }
        for row in rows
    ]
    return pd.DataFrame(noted(records, note)).to_csv(index=False)


def classes_csv(results: Results, metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Return AP and AUROC of every class on the development set, the commonest class first.

    Metrics: variant to what the evaluate stage writes.
    """
    classes = sorted(results.classes.items(), key=lambda item: -(item[1].prevalence or 0))
    records = [
        {"variant": variant, "class": label, **vars(info)}
        | {key: scores["classes"][label][key] for key in ("positive", "AP", "AUROC")}
        for variant, scores in metrics.items()
        for label, info in classes
    ]
    table = pd.DataFrame(noted(records, caveat(results.params)))
    return table.to_csv(index=False, float_format="%.4f")


def contrasts_csv(results: Results) -> str:
    """Return the differences between rows, those that are judged with the interval that judges them."""
    lines = []
    for table in results.tables:
        for c in table.contrasts:
            step = f"{c.what} {c.change} ({table.name}: {table.rows_text(c.rows)})"
            lines.append((step, c.difference.point, *c.bounds, c.published, c.family, c.verdict))
    frame = pd.DataFrame(lines, columns=CONTRASTS)
    if note := caveat(results.params):
        frame["note"] = note
    return frame.to_csv(index=False)


def to_markdown(rows: Sequence[Row], level: float, full: bool = True) -> str:
    """Return the table as people read it: the best mAP in bold, empty design columns left out.

    ``full``: with differences to the first row, bias-corrected mAP and standard errors.
    """
    best = max((row.metrics["mAP"] or 0 for row in rows), default=0)
    columns = shown_columns(rows)
    published = ["published mAP"] if any(row.published is not None for row in rows) else []
    secondary = [mean for mean in means() if mean.metric.shown == TABLE and mean.name != "mAP"]
    header = ["", *columns, f"mAP [{level:.0%} interval]", *(["Δ mAP to row 1"] if full else []), *published]
    lines = []
    for number, row in enumerate(rows, 1):
        m, bold = row.metrics, "**" if row.metrics["mAP"] == best else ""
        point, low, high = map(text.number, row.mean_ap)
        lines.append(
            [
                str(number),
                *(row.design[name] for name in columns),
                f"{bold}{point}{bold}{SELECTED if row.selected else ''} [{low}, {high}]",
                *(["" if number == 1 else text.bounded(*row.difference)] if full else []),
                *(text.number(row.published) for _ in published),
                *([text.number(m["mAP_corrected"])] if full else []),
                *(
                    text.with_error(m[mean.name], row.std_errors[mean.name] if full else None)
                    for mean in secondary
                ),
            ]
        )
    corrected = ["bias-corrected"] if full else []
    return markdown_table([*header, *corrected, *(mean.title for mean in secondary)], lines)


def shown_columns(rows: Sequence[Row]) -> list[str]:
    """Return the design columns in which any row has something."""
    return [name for name in rows[0].design if any(row.design[name] for row in rows)]


def further_metrics(rows: Sequence[Row]) -> str:
    """Return the metrics that the table leaves out, and mAP per seed where there are several."""
    further = [mean for mean in means() if mean.metric.shown == FURTHER]
    header = ["", *(f"{mean.title} {'↑' if mean.metric.higher_is_better else '↓'}" for mean in further)]
    several = any(len(row.seeds) > 1 for row in rows)
    if several:
        header += ["mAP of each seed", "SD over seeds"]
    lines = []
    for number, row in enumerate(rows, 1):
        values = (text.with_error(row.metrics[mean.name], row.std_errors[mean.name]) for mean in further)
        seeds = [", ".join(map(text.number, row.seeds)), text.number(row.metrics["mAP_seed_sd"])]
        lines.append([str(number), *values, *(seeds if several else [])])
    return markdown_table(header, lines)


def contrasts_table(table: Table, contrasts: Sequence[Contrast]) -> str:
    """Return some contrasts of a table as people read them."""
    again = any(contrast.probability_of_improvement.point is not None for contrast in contrasts)
    header = ["design", "change", "rows", "Δ mAP [interval]", "verdict", "simultaneous", "p", "p, adjusted"]
    header += ["equivalent within", "minimum detectable Δ", *(["P [interval]"] if again else [])]
    lines = [
        [
            contrast.what,
            contrast.change,
            table.rows_text(contrast.rows),
            text.bounded(*contrast.difference),
            verdict_text(contrast.verdict),
            f"[{', '.join(map(text.signed, contrast.simultaneous))}]",
            text.p_value(contrast.p),
            text.p_value(contrast.p_adjusted),
            text.number(contrast.equivalent_within),
            text.number(contrast.detectable["mAP"]),
            *([_probability(contrast.probability_of_improvement)] if again else []),
        ]
        for contrast in contrasts
    ]
    return markdown_table(header, lines)


def _probability(share: Interval) -> str:
    """A probability of improvement with its interval."""
    point, low, high = (text.percent(value, 0) for value in share)
    return point if share.point is None else f"{point} [{low}, {high}]"


def verdict_text(verdict: str) -> str:
    """A verdict, in bold where it is one."""
    return f"**{verdict}**" if verdict.startswith("resolved") else verdict
