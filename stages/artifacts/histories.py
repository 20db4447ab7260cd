"""Training curves: models/<variant>/history.csv, and reports/history.csv, which holds them all."""

from collections.abc import Sequence

import pandas as pd

from cxrlt_core.reporting.tables import noted
from cxrlt_core.system.files import existing, write_text


def gather_histories(variants: Sequence[str], note: str) -> list[dict]:
    """Write the curves of all variants into one file; return its lines, one a variant, seed and epoch.

    Args:
        variants: their names.
        note: of a demo, see :func:`cxrlt_core.reporting.tables.caveat`.
    """
    tables = [pd.read_csv(existing(f"models/{name}/history.csv")).assign(variant=name) for name in variants]
    together = pd.concat(tables)
    columns = ["variant", *together.columns.drop("variant")]
    records = together[columns].to_dict("records")
    write_text("reports/history.csv", pd.DataFrame(noted(records, note)).to_csv(index=False))
    return records
