"""The history of a variant's trainings, models/<variant>/history.csv: a line an epoch and seed."""

import numpy as np
import pandas as pd

from cxrlt_core.system.files import existing
from stages.artifacts.code import fingerprint, module_code


def history_path(variant: str) -> str:
    """Return where the history of a variant lies."""
    return f"models/{variant}/history.csv"


def scored_by() -> str:
    """Return the fingerprint of the code that scores a running training."""
    return fingerprint(module_code("stages.artifacts.monitor"))


def read_history(variant: str) -> pd.DataFrame:
    """Read seed, epoch, loss, learning_rate and dev_mAP, which is NaN where other code has scored it."""
    table = pd.read_csv(existing(history_path(variant)))
    table.loc[table.pop("scored_by") != scored_by(), "dev_mAP"] = np.nan
    return table
