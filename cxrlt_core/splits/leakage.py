"""What the sets share: patients, relative paths, packed pixels.

Sets are cut by patient, so within one source nothing is shared unless its official split is wrong or
one picture goes under two patients. Across sources, a re-release brings images of the development and
test sets under other names. A copy that was cropped or encoded anew, and renamed, is not found.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlt_core.system.errors import StudyError

#: Kind to the column that tells it.
KINDS = {"patient": "patient_id", "path": "path", "pixels": "picture"}

#: A set and the one that it is searched for; the first one gives way.
PAIRS = (("dev", "test"), ("train", "test"), ("train", "dev"))

_SAYS = {
    "patient": "are of patients who are also in",
    "path": "have the relative path of an image in",
    "pixels": "have the pixels of an image in",
}


@dataclass(frozen=True)
class Leak:
    """What one set shares with another in one way, perhaps nothing.

    Attributes:
        kind: key of :data:`KINDS`.
        name: the set that gives way.
        other: the set that keeps its images.
        found: bool (N,), the images of ``name`` that are also in ``other``.
        example: image ids of the first of them and of its counterpart; None without any.
    """

    kind: str
    name: str
    other: str
    found: np.ndarray
    example: tuple[str, str] | None

    @property
    def images(self) -> int:
        """Number of images found."""
        return int(self.found.sum())


def separate(sets: Mapping[str, pd.DataFrame], policy: str) -> tuple[dict[str, pd.DataFrame], list[Leak]]:
    """Find what train, dev and test share; stop at it, or drop it from the set that gives way.

    Train gives way to dev and test, dev to test. A drop takes the images found; others of the same
    patient, if the source names the patient otherwise, stay.

    Args:
        sets: ``train`` (with the replenishment), ``dev`` and ``test``: tables with ``image_id``,
            ``patient_id``, ``path`` and ``picture``, a digest of the pixels; null is like no other.
        policy: ``stop`` or ``drop``.

    Returns:
        The sets without the dropped images, and one leak for each kind and pair, those without an
        image included.

    Raises:
        StudyError: under ``stop``, with a line for each kind and pair that has an image.
    """
    leaks = [_find(kind, name, other, sets[name], sets[other]) for kind in KINDS for name, other in PAIRS]
    found = [leak for leak in leaks if leak.images]
    if found and policy == "stop":
        raise StudyError("\n".join(map(_line, found)))
    kept = {name: np.ones(len(table), bool) for name, table in sets.items()}
    for leak in found:
        kept[leak.name] &= ~leak.found
    return {name: table[kept[name]] for name, table in sets.items()}, leaks


def _find(kind: str, name: str, other: str, table: pd.DataFrame, reference: pd.DataFrame) -> Leak:
    # As objects: pandas converts Arrow strings one by one on every look-up.
    keys, known = (t[KINDS[kind]].astype(object) for t in (table, reference))
    found = keys.isin(known.dropna()).to_numpy()
    if not found.any():
        return Leak(kind, name, other, found, None)
    first = found.argmax()
    counterpart = (known == keys.iloc[first]).to_numpy().argmax()
    example = (table["image_id"].iloc[first], reference["image_id"].iloc[counterpart])
    return Leak(kind, name, other, found, example)


def _line(leak: Leak) -> str:
    mine, theirs = leak.example
    return (
        f"data.leaks: {leak.images} images of {leak.name} {_SAYS[leak.kind]} {leak.other}, for example "
        f"{mine} and {theirs}: set data.leaks to drop to leave these images out of {leak.name}, "
        f"or correct data.extra or the official split"
    )


def describe_leaks(leaks: list[Leak]) -> list[dict[str, str | int]]:
    """Count for data/summary.json what :func:`separate` let pass, so what was found was dropped.

    An image that is found in several ways counts in each.
    """
    return [
        {
            "kind": leak.kind,
            "set": leak.name,
            "in": leak.other,
            "images": leak.images,
            "dropped": leak.images,
        }
        for leak in leaks
    ]


def count_repeats(table: pd.DataFrame) -> dict[str, int]:
    """Count pictures that a set holds under several image ids.

    Returns:
        ``groups``: pictures that are there more than once; ``images``: their images beyond the first.
    """
    copies = table["picture"].value_counts()  # without nulls
    copies = copies[copies > 1]
    return {"groups": len(copies), "images": int((copies - 1).sum())}
