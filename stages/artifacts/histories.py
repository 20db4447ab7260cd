"""Training curves: models/<variant>/history.csv, and reports/history.csv, which holds them all."""

from collections.abc import Sequence

import pandas as pd

from cxrlt_core.system.files import existing, write_text


def gather_histories(variants: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """Write the curves of all variants into one file, and return each averaged over the seeds."""
    tables = {name: pd.read_csv(existing(f"models/{name}/history.csv")) for name in variants}
    together = pd.concat([table.assign(variant=name) for name, table in tables.items()])
    columns = ["variant", *together.columns.drop("variant")]
    write_text("reports/history.csv", together[columns].to_csv(index=False))
    return {
        name: table.groupby("epoch", as_index=False).mean().to_dict("list") for name, table in tables.items()
    }
