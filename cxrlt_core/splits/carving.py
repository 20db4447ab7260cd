"""The sets of the primary source: by patient, official splits where they exist; and a sample to monitor."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxrlt_core.labels import POSITIVE, UNKNOWN, classes_in, group_classes
from cxrlt_core.params.schema import Groups, Splits
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.rounding import or_none

MOST = 1000  # images that a training is monitored on, or one patient's if that patient has more


def label_space(table: pd.DataFrame) -> list[str]:
    """Return the classes of which a source knows at least one label, in label-space order."""
    return [name for name in classes_in(table) if (table[name] != UNKNOWN).any()]


def assign_splits(table: pd.DataFrame, classes: Sequence[str], splits: Splits) -> pd.Series:
    """Return train, dev or test for every image of the primary source's label table; ``split`` may be null.

    Official test and development rows stay where they are; a set without official rows is carved from the
    remaining patients, stratified so that each class keeps its share (Sechidis et al. 2011). The stratifier
    rounds small shares down to nothing, so patients then move into sets that lack a class, at most one a
    set and class. Guaranteed: a class with more than 2 C positive patients to carve from, C being the
    number of classes, has a positive in train and in each carved set. Below that it fails only where rare
    classes compete for the same patients; three mostly do. StudyError when there are too few patients.
    """
    assigned = table["split"].astype("object").where(table["split"].notna(), "train")
    fractions = {"test": splits.test, "dev": splits.dev}
    carved = {name: share for name, share in fractions.items() if share and not (assigned == name).any()}
    pool = table[assigned == "train"]
    positive = (pool[list(classes)] == POSITIVE).groupby(pool["patient_id"]).any()
    labels, split = positive.to_numpy(), np.full(len(positive), "train", object)
    fraction_left = 1.0
    for name, fraction in carved.items():
        rest = np.flatnonzero(split == "train")
        split[rest[_carve(labels[rest], fraction / fraction_left, splits.seed, name)]] = name
        fraction_left -= fraction
    _cover(labels, split, ["train", *carved])
    assigned[pool.index] = pool["patient_id"].map(pd.Series(split, positive.index))
    return assigned


def _carve(labels: np.ndarray, fraction: float, seed: int, name: str) -> np.ndarray:
    """Choose a share of the patients; ``labels`` is bool (patients, C)."""
    # Late: it loads scikit-learn, and sources with official splits need neither.
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    # The stratifier refuses a single column; this one also keeps the share of patients without a class.
    columns = np.column_stack([labels, ~labels.any(axis=1)])
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=fraction, random_state=seed)
    try:
        _, chosen = next(splitter.split(columns, columns))
    except ValueError as error:
        raise StudyError(
            f"data.splits.{name}: cannot carve {fraction:.3f} of {len(labels)} patients: {error}"
        ) from None
    return chosen


def _cover(labels: np.ndarray, split: np.ndarray, names: Sequence[str]) -> None:
    """Move a positive patient into each set that lacks a class; changes ``split``, the set of each patient.

    Labels are bool (patients, C). A set never gives a patient who is its last positive of any class, so no
    move undoes another. The sets give patients away in the order of their names.
    """
    counts = {name: labels[split == name].sum(axis=0) for name in names}
    for c in range(labels.shape[1]):
        for name in names:
            patient = None if counts[name][c] else _spare(labels, split, counts, c)
            if patient is not None:
                counts[split[patient]] -= labels[patient]
                counts[name] += labels[patient]
                split[patient] = name


def _spare(labels: np.ndarray, split: np.ndarray, counts: Mapping[str, np.ndarray], c: int) -> int | None:
    """Return a patient positive for class ``c`` whose set can spare them, None if there is none."""
    for name, count in counts.items():
        patients = np.flatnonzero((split == name) & labels[:, c])
        dispensable = ~(labels[patients] & (count == 1)).any(axis=1)
        if dispensable.any():
            return int(patients[dispensable.argmax()])
    return None


def describe_splits(official: Mapping[str, str], unused: str | None, splits: Splits) -> dict[str, str]:
    """Say where the development and the test set of the primary source come from.

    ``official`` has the file that brings a set; ``unused`` says why some official rows are not taken.
    """
    note = f"; {unused}" if unused else ""
    carved = {"dev": splits.dev, "test": splits.test}
    origins = {name: f"carved by patient, {share:g} of them{note}" for name, share in carved.items()}
    return origins | {name: f"official: {file}" for name, file in official.items() if name in origins}


def check_sets(sets: Mapping[str, pd.DataFrame]) -> None:
    """Raise StudyError, naming it, when a set is empty."""
    for name, table in sets.items():
        if table.empty:
            raise StudyError(
                f"the {name} set is empty: check data.splits, data.leaks and the images that were rejected"
            )


def class_groups(
    table: pd.DataFrame, classes: Sequence[str], groups: Groups
) -> dict[str, dict[str, str | float | None]]:
    """Return ``group`` and ``prevalence`` of each class in a training set; None without a known label."""
    prevalence = training_prevalence(table, classes)
    group = group_classes(prevalence, groups.head, groups.tail)
    return {name: {"group": group[name], "prevalence": or_none(prevalence[name])} for name in classes}


def training_prevalence(table: pd.DataFrame, classes: Sequence[str]) -> dict[str, float]:
    """Share of positives among the known labels of each class; NaN without a known label."""
    labels = table[list(classes)].to_numpy()
    known, positive = (labels != UNKNOWN).sum(0), (labels == POSITIVE).sum(0)
    with np.errstate(invalid="ignore"):
        return dict(zip(classes, (positive / known).tolist(), strict=True))


def monitored(development: pd.DataFrame) -> pd.DataFrame:
    """Choose a fixed sample of the development set: whole patients, in the order of a hash of their names.

    Up to 1,000 images and one patient at least, in the set's order. It has about the class frequencies of
    the set, and one patient more or less changes it little.
    """
    patients = development["patient_id"]
    images = patients.value_counts()
    order = sorted(images.index, key=lambda name: hashlib.sha256(str(name).encode()).digest())
    kept = images[order].cumsum() <= MOST
    return development[patients.isin(kept.index[kept].union(order[:1]))]
