"""Table 1 and Table 2 as JSON, CSV and markdown."""

from collections.abc import Sequence

import pandas as pd

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.metrics.metric import FURTHER, TABLE, means
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.notes import noted
from cxrlt_core.results.tables import Row, Table
from cxrlt_core.system import text

SELECTED = " †"  # scored on what it was selected upon


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


def to_markdown(rows: Sequence[Row], level: float) -> str:
    """Return the table as people read it: the best mAP in bold, empty design columns left out."""
    best = max((row.metrics["mAP"] or 0 for row in rows), default=0)
    columns = [name for name in rows[0].design if any(row.design[name] for row in rows)]
    published = ["published mAP"] if any(row.published is not None for row in rows) else []
    header = ["", *columns, f"mAP [{level:.0%} interval]", "Δ mAP to row 1", *published]
    secondary = [mean for mean in means() if mean.metric.shown == TABLE and mean.name != "mAP"]
    header += ["less bias", *(mean.title for mean in secondary)]
    lines = []
    for number, row in enumerate(rows, 1):
        m = row.metrics
        mean = f"**{text.number(m['mAP'])}**" if m["mAP"] == best else text.number(m["mAP"])
        mark = SELECTED if row.selected else ""
        cells = [str(number), *(row.design[name] for name in columns)]
        cells.append(f"{mean}{mark} [{text.number(m['mAP_low'])}, {text.number(m['mAP_high'])}]")
        cells.append("" if number == 1 else text.bounded(*row.difference))
        cells += [text.number(row.published) for _ in published]
        cells.append(text.number(m["mAP_corrected"]))
        cells += [text.with_error(m[mean.name], row.std_errors[mean.name]) for mean in secondary]
        lines.append(cells)
    return markdown_table(header, lines)


def further_metrics(rows: Sequence[Row]) -> str:
    """Return the metrics that the table leaves out, and mAP per seed where there are several."""
    further = [mean for mean in means() if mean.metric.shown == FURTHER]
    header = ["", *(f"{mean.title} {'↑' if mean.metric.higher_is_better else '↓'}" for mean in further)]
    several = any(len(row.seeds) > 1 for row in rows)
    if several:
        header += ["mAP of each seed", "SD over seeds"]
    lines = []
    for number, row in enumerate(rows, 1):
        metrics = (text.with_error(row.metrics[mean.name], row.std_errors[mean.name]) for mean in further)
        cells = [str(number), *metrics]
        if several:
            cells += [", ".join(map(text.number, row.seeds)), text.number(row.metrics["mAP_seed_sd"])]
        lines.append(cells)
    return markdown_table(header, lines)


def contrasts_table(table: Table, contrasts: Sequence[Contrast]) -> str:
    """Return some contrasts of a table as people read them."""
    header = ["design", "change", "rows", "Δ mAP [interval]", "verdict", "all hold together", "p", "p (Holm)"]
    header += ["published Δ", "detectable Δ: all", "head", "medium", "tail"]
    lines = []
    for contrast in contrasts:
        low, high = map(text.signed, contrast.simultaneous)
        detectable = (contrast.detectable[name] for name in ("mAP", "mAP_head", "mAP_medium", "mAP_tail"))
        lines.append(
            [
                contrast.what,
                contrast.change,
                table.rows_text(contrast.rows),
                text.bounded(*contrast.difference),
                verdict_text(contrast.verdict),
                f"[{low}, {high}]",
                text.p_value(contrast.p),
                text.p_value(contrast.p_holm),
                text.signed(contrast.published),
                *map(text.number, detectable),
            ]
        )
    return markdown_table(header, lines)


def verdict_text(verdict: str) -> str:
    """A verdict, in bold where it is one."""
    return f"**{verdict}**" if verdict.startswith("resolved") else verdict
