"""Table 1 and Table 2 as JSON, CSV and markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table

SELECTED = " †"  # scored on what it was selected upon


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: unique in its table.
        design: column to cell text, which design is on.
        metrics: mAP, mAP_low, mAP_high, mAP_corrected (less small-sample bias), the group means and mAUROC,
            four decimals; None undefined.
        std_errors: standard error of each mean.
        seeds: mAP of each training seed.
        difference: mAP minus that of the first row: point, low, high.
        published: the paper's mAP.
        selected: development data chose something in this row, and it is scored on them.
    """

    name: str
    design: dict[str, str]
    metrics: dict[str, float | None]
    std_errors: dict[str, float | None]
    seeds: Sequence[float | None]
    difference: Sequence[float | None]
    published: float | None
    selected: bool = False


def caveat(params: Params) -> str:
    """Say what must stand beside every number of a demo; empty for real images and real encoders."""
    if params.demo.sources:
        return "Synthetic demo: drawn images, small stand-in encoders. Reproduces no published figure."
    return "Real images, but untrained stand-in text encoders." if params.demo.text_encoders else ""


def noted(records: Sequence[Mapping], note: str) -> Sequence[Mapping]:
    """Add a column to records that says what must stand beside their numbers, if anything must."""
    return [{**record, "note": note} for record in records] if note else records


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
            "mAP_seeds": " ".join(number_text(value) for value in row.seeds),
            **dict(zip(("difference", "difference_low", "difference_high"), row.difference, strict=True)),
            "published_mAP": row.published,
        }
        for row in rows
    ]
    import pandas as pd  # late: other pages take text from here and need no table

    return pd.DataFrame(noted(records, note)).to_csv(index=False)


def to_markdown(rows: Sequence[Row], level: float) -> str:
    """Return the table as people read it: the best mAP in bold, empty design columns left out."""
    best = max((row.metrics["mAP"] or 0 for row in rows), default=0)
    columns = [name for name in rows[0].design if any(row.design[name] for row in rows)]
    published = ["published mAP"] if any(row.published is not None for row in rows) else []
    header = ["", *columns, f"mAP [{level:.0%} interval]", "Δ mAP to row 1", *published]
    header += ["less bias", "head", "medium", "tail", "mAUROC"]
    lines = []
    for number, row in enumerate(rows, 1):
        m = row.metrics
        mean = f"**{number_text(m['mAP'])}**" if m["mAP"] == best else number_text(m["mAP"])
        mark = SELECTED if row.selected else ""
        cells = [str(number), *(row.design[name] for name in columns)]
        cells.append(f"{mean}{mark} [{number_text(m['mAP_low'])}, {number_text(m['mAP_high'])}]")
        point, low, high = row.difference
        cells.append("" if number == 1 else f"{signed(point)} [{signed(low)}, {signed(high)}]")
        cells += [number_text(row.published) for _ in published]
        cells.append(number_text(m["mAP_corrected"]))
        cells += [with_error(m[name], row.std_errors[name]) for name in _SECONDARY]
        lines.append(cells)
    return markdown_table(header, lines)


def further_metrics(rows: Sequence[Row]) -> str:
    """Return the metrics that the table leaves out, and mAP per seed where there are several."""
    header = ["", *_FURTHER.values()]
    several = any(len(row.seeds) > 1 for row in rows)
    if several:
        header += ["mAP of each seed", "SD over seeds"]
    lines = []
    for number, row in enumerate(rows, 1):
        cells = [str(number), *(with_error(row.metrics[name], row.std_errors[name]) for name in _FURTHER)]
        if several:
            cells += [", ".join(map(number_text, row.seeds)), number_text(row.metrics["mAP_seed_sd"])]
        lines.append(cells)
    return markdown_table(header, lines)


def contrasts_table(contrasts: Sequence[Mapping], numbers: Mapping[str, int]) -> str:
    """Return contrasts as people read them.

    Args:
        contrasts: from :func:`cxrlt_core.evidence.contrasts.to_json`.
        numbers: row name to its number in the table.
    """
    header = ["design", "change", "rows", "Δ mAP [interval]", "verdict", "all hold together", "p", "p (Holm)"]
    header += ["published Δ", "detectable Δ: all", "head", "medium", "tail"]
    lines = []
    for one in contrasts:
        point, low, high = one["difference"]
        least, (inner, outer) = one["detectable"], one["simultaneous"]
        lines.append(
            [
                one["what"],
                one["change"],
                rows_text(one["rows"], numbers),
                f"{signed(point)} [{signed(low)}, {signed(high)}]",
                f"**{one['verdict']}**" if one["verdict"].startswith("resolved") else one["verdict"],
                f"[{signed(inner)}, {signed(outer)}]",
                *(p_text(one[key]) for key in ("p", "p_holm")),
                signed(one["published"]),
                *(number_text(least[name]) for name in ("mAP", "mAP_head", "mAP_medium", "mAP_tail")),
            ]
        )
    return markdown_table(header, lines)


def contrast_labels(rows: Sequence[Row], contrasts: Sequence[Mapping]) -> list[str]:
    """Name contrasts by design, change and the numbers of their rows."""
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    return [f"{c['what']}  {c['change']}  ({rows_text(c['rows'], numbers)})" for c in contrasts]


def rows_text(names: Sequence[str], numbers: Mapping[str, int]) -> str:
    """Name the rows of a contrast by their numbers: ``2 − 1``, or ``9 − 8 − (7 − 6)``."""
    first, *others = (
        f"{numbers[row]} − {numbers[of]}" for row, of in zip(names[::2], names[1::2], strict=True)
    )
    return " − ".join([first, *(f"({other})" for other in others)])


_SECONDARY = ("mAP_head", "mAP_medium", "mAP_tail", "mAUROC")
#: Metric to what the table calls it.
_FURTHER = {
    "micro_AP": "micro AP",
    "F1": "F1",
    "F1_half": "F1 at 0.5",
    "NLL": "NLL",
    "NLL_scaled": "NLL, scaled",
    "ECE": "ECE",
    "ECE_scaled": "ECE, scaled",
    "Brier": "Brier",
}


def number_text(value: float | None) -> str:
    """Four decimals, or a dash where undefined."""
    return "–" if value is None else f"{value:.4f}"


def with_error(value: float | None, error: float | None) -> str:
    """Value ± standard error, each left out where undefined."""
    return number_text(value) if error is None else f"{number_text(value)} ± {number_text(error)}"


def p_text(value: float | None) -> str:
    """Three decimals of a p value, or a dash where it is withheld."""
    return "–" if value is None else "<0.001" if value < 0.0005 else f"{value:.3f}"


def signed(value: float | None) -> str:
    """Four decimals with a sign, or a dash where undefined."""
    return "–" if value is None else f"{value:+.4f}"


def duration(seconds: float) -> str:
    """Seconds as the largest fitting unit."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
