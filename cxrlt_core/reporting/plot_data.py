"""Flat tables behind the plots of dvc.yaml: one line a mark, the columns that .dvc/plots/ names."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxrlt_core.reporting.notes import caveat, noted
from cxrlt_core.results.study import Results


def classes_csv(results: Results, metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Return AP and AUROC of every class and variant on the development set, the commonest class first.

    Args:
        results: of the study.
        metrics: variant to its development metrics, as the evaluate stage writes them.
    """
    classes = sorted(results.classes.items(), key=lambda item: -(item[1].prevalence or 0))
    records = [
        {
            "variant": variant,
            "class": label,
            **vars(info),
            **{key: metrics[variant]["classes"][label][key] for key in ("positive", "AP", "AUROC")},
        }
        for variant in metrics
        for label, info in classes
    ]
    table = pd.DataFrame(noted(records, caveat(results.params)))
    return table.to_csv(index=False, float_format="%.4f")


def contrasts_csv(results: Results) -> str:
    """Return the differences between rows, each with the interval in which its whole family holds."""
    records = []
    for table in results.tables:
        for contrast in table.contrasts:
            low, high = contrast.simultaneous
            rows = f"{table.name}: {table.rows_text(contrast.rows)}"
            records.append(
                {
                    "step": f"{contrast.what} {contrast.change} ({rows})",
                    "difference": contrast.difference.point,
                    "difference_low": low,
                    "difference_high": high,
                    "published_difference": contrast.published,
                    "family": contrast.family,
                    "verdict": contrast.verdict,
                }
            )
    note = caveat(results.params)
    columns = [*CONTRAST_COLUMNS, *(["note"] if note else [])]
    return pd.DataFrame(noted(records, note), columns=columns).to_csv(index=False)


CONTRAST_COLUMNS = (
    "step", "difference", "difference_low", "difference_high", "published_difference", "family", "verdict",
)  # fmt: skip
