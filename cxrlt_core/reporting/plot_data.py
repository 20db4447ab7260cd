"""Flat tables behind the plots of dvc.yaml: one line a mark, the columns that .dvc/plots/ names."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cxrlt_core.reporting.tables import Row, noted, rows_text


def classes_csv(classes: Mapping[str, Mapping], metrics: Mapping[str, Mapping], note: str) -> str:
    """Return AP and AUROC of every class and variant on the development set, the commonest class first.

    Args:
        classes: class to its group and its prevalence in the training set.
        metrics: variant to its development metrics, as the evaluate stage writes them.
        note: of a demo, see :func:`cxrlt_core.reporting.tables.caveat`.
    """
    ordered = sorted(classes, key=lambda name: -(classes[name]["prevalence"] or 0))
    records = [
        {
            "variant": variant,
            "class": name,
            **classes[name],
            "positive": one["classes"][name]["positive"],
            "AP": one["classes"][name]["AP"],
            "AUROC": one["classes"][name]["AUROC"],
        }
        for variant, one in metrics.items()
        for name in ordered
    ]
    return pd.DataFrame(noted(records, note)).to_csv(index=False, float_format="%.4f")


def contrasts_csv(
    contrasts: Mapping[str, Sequence[Mapping]], tables: Mapping[str, Sequence[Row]], note: str
) -> str:
    """Return the differences between rows, each with the interval in which its whole family holds.

    Args:
        contrasts: table to its contrasts, as plain values.
        tables: table to its rows.
        note: of a demo, see :func:`cxrlt_core.reporting.tables.caveat`.
    """
    records = []
    for table, found in contrasts.items():
        numbers = {row.name: place for place, row in enumerate(tables[table], 1)}
        for one in found:
            low, high = one["simultaneous"]
            records.append(
                {
                    "step": f"{one['what']} {one['change']} ({table}: {rows_text(one['rows'], numbers)})",
                    "difference": one["difference"][0],
                    "difference_low": low,
                    "difference_high": high,
                    "published_difference": one["published"],
                    "family": one["family"],
                    "verdict": one["verdict"],
                }
            )
    columns = [*CONTRAST_COLUMNS, *(["note"] if note else [])]
    return pd.DataFrame(noted(records, note), columns=columns).to_csv(index=False)


CONTRAST_COLUMNS = (
    "step", "difference", "difference_low", "difference_high", "published_difference", "family", "verdict",
)  # fmt: skip
