"""Train, development and test sets of the primary source: by patient, official splits where they exist."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

from cxrlt_core.errors import StudyError
from cxrlt_core.labels import CLASSES, POSITIVE, UNKNOWN
from cxrlt_core.params import Splits


def label_space(table: pd.DataFrame) -> list[str]:
    """Return the classes of which a source knows at least one label, in label-space order."""
    return [name for name in CLASSES if (table[name] != UNKNOWN).any()]


def assign_splits(table: pd.DataFrame, classes: Sequence[str], splits: Splits) -> pd.Series:
    """Assign every image of the primary source to train, dev or test.

    Official test and development rows stay where they are; a set without official rows is carved
    from the remaining patients, stratified so that each class keeps its share (Sechidis et al. 2011).

    Args:
        table: label table; ``split`` may be null.
        classes: label space.
        splits: fractions of patients and the seed.

    Returns:
        ``train``, ``dev`` or ``test`` for each row.

    Raises:
        StudyError: when there are too few patients to carve from.
    """
    assigned = table["split"].astype("object").where(table["split"].notna(), "train")
    fraction_left = 1.0
    for name, fraction in (("test", splits.test), ("dev", splits.dev)):
        if (assigned == name).any() or fraction == 0:
            continue
        pool = table[assigned == "train"]
        chosen = _carve(pool, classes, fraction / fraction_left, splits.seed, name)
        assigned[pool.index[pool["patient_id"].isin(chosen)]] = name
        fraction_left -= fraction
    return assigned


def _carve(pool: pd.DataFrame, classes: Sequence[str], fraction: float, seed: int, name: str) -> np.ndarray:
    positive = (pool[list(classes)] == POSITIVE).groupby(pool["patient_id"]).any()
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=fraction, random_state=seed)
    try:
        _, chosen = next(splitter.split(positive.index, positive.to_numpy().astype(int)))
    except ValueError as error:
        raise StudyError(
            f"data.splits.{name}: cannot carve {fraction:.3f} of {len(positive)} patients: {error}"
        ) from None
    return positive.index.to_numpy()[chosen]


def check_sets(sets: Mapping[str, pd.DataFrame]) -> None:
    """Stop when a set is empty, an image stands twice, or a patient stands in two sets.

    Args:
        sets: set name to table; sets are meant to be disjoint.

    Raises:
        StudyError: naming the sets and an example.
    """
    owner: dict[str, str] = {}
    for name, table in sets.items():
        if table.empty:
            raise StudyError(f"the {name} set is empty: check data.splits and the images that were rejected")
        twice = table["image_id"][table["image_id"].duplicated()]
        if len(twice):
            raise StudyError(f"the {name} set holds {len(twice)} images twice, for example {twice.iloc[0]}")
        for patient in table["patient_id"].unique():
            if patient in owner:
                raise StudyError(f"patient {patient} is in two sets, {owner[patient]} and {name}")
            owner[patient] = name


def count_labels(table: pd.DataFrame, classes: Sequence[str]) -> dict:
    """Count a set: images, patients, studies, and per class positive, negative and unknown labels."""
    labels = table[list(classes)].to_numpy()
    counts = {state: (labels == value).sum(0) for state, value in _STATES.items()}
    return {
        "images": len(table),
        "patients": table["patient_id"].nunique(),
        "studies": table["study_id"].nunique(),
        "classes": {
            name: {state: int(counts[state][c]) for state in _STATES} for c, name in enumerate(classes)
        },
    }


_STATES = {"positive": POSITIVE, "negative": 0, "unknown": UNKNOWN}


def training_prevalence(table: pd.DataFrame, classes: Sequence[str]) -> dict[str, float]:
    """Share of positives among the known labels of each class; NaN without a known label."""
    labels = table[list(classes)].to_numpy()
    known, positive = (labels != UNKNOWN).sum(0), (labels == POSITIVE).sum(0)
    with np.errstate(invalid="ignore"):
        return dict(zip(classes, (positive / known).tolist(), strict=True))
