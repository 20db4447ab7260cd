"""Training curves: models/<variant>/history.csv, and reports/history.csv, which holds them all."""

from collections.abc import Sequence

import pandas as pd

from cxrlt_core.system.files import existing, write_text


def gather_histories(variants: Sequence[str]) -> list[dict]:
    """Write the curves of all variants into one file; return its lines, one a variant, seed and epoch."""
    tables = [pd.read_csv(existing(f"models/{name}/history.csv")).assign(variant=name) for name in variants]
    together = pd.concat(tables)
    columns = ["variant", *together.columns.drop("variant")]
    write_text("reports/history.csv", together[columns].to_csv(index=False))
    return together[columns].to_dict("records")
