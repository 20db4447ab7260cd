"""Design 7, exogenous data replenishment: the training images of other data sets, partial labels and all.

Cost: training takes longer by the images that are added.
Said to help: as a part of the published study.
Claimed: +0.001 mAP of the ensemble (CXR-LT 2023), arXiv:2308.08853.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxrlt_core.labels import UNKNOWN

TITLE = "replenished"
SOURCE = "the published study"
FIELD = "data"
OFF = "primary"


def replenish(
    primary: pd.DataFrame, extras: Mapping[str, pd.DataFrame], classes: Sequence[str]
) -> pd.DataFrame:
    """Add the images of extra sources to the primary training set.

    What a source calls its development or test set stays out: nobody should train on it. So does an
    image without a known label in the label space, which could teach nothing. The classes that a
    source does not know stay unknown and are masked in the loss.

    Args:
        primary: training set of the primary source.
        extras: source to its label table.
        classes: label space.

    Returns:
        One table with the columns of ``primary``, its rows first.
    """
    usable = [table[usable_rows(table, classes)] for table in extras.values()]
    return pd.concat([primary, *usable], ignore_index=True)[primary.columns]


def usable_rows(table: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Mark the rows of an extra source that may be trained on, bool (N,)."""
    official = table["split"].isna() | (table["split"] == "train")
    labelled = (table[list(classes)] != UNKNOWN).any(axis=1)
    return (official & labelled).to_numpy()
