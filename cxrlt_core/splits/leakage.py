"""What the sets share: patients, relative paths, packed pixels.

Sets are cut by patient, so within one source nothing is shared unless its official split is wrong or
one picture is listed under two patients. Across sources, a re-release brings images of the development and
test sets under other names. A copy that was cropped or re-encoded, and renamed, is not found.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlt_core.system.errors import StudyError

#: Kind of a leak to the column in which it shows.
KINDS = {"patient": "patient_id", "path": "path", "pixels": "picture"}

#: A set and the one it is compared with; the first gives way.
PAIRS = (("dev", "test"), ("train", "test"), ("train", "dev"))

_PHRASES = {
    "patient": "are of patients who are also in",
    "path": "have the relative path of an image in",
    "pixels": "have the pixels of an image in",
}


@dataclass(frozen=True)
class Leak:
    """What one set shares with another in one way, perhaps nothing."""

    kind: str  # key of :data:`KINDS`
    subset: str  # name of the set that gives way
    reference: str  # name of the set that keeps its images
    shared: np.ndarray  # bool (N,), the images of ``subset`` that are also in ``reference``
    example: tuple[str, str] | None  # image ids of the first of them and of its counterpart; None without any

    @property
    def images(self) -> int:
        """Number of shared images."""
        return int(self.shared.sum())

    def __str__(self) -> str:
        """Describe the leak, with an example and the remedy."""
        first, counterpart = self.example
        return (
            f"data.leaks: {self.images} images of {self.subset} {_PHRASES[self.kind]} {self.reference}, "
            f"for example {first} and {counterpart}: set data.leaks to drop to leave these images out of "
            f"{self.subset}, or correct data.extra or the official split"
        )


def separate(sets: Mapping[str, pd.DataFrame], policy: str) -> tuple[dict[str, pd.DataFrame], list[Leak]]:
    """Find what train, dev and test share; ``stop`` at it, or ``drop`` it from the set that gives way.

    Train, with the replenishment, gives way to dev and test, dev to test. Only the shared images are
    dropped; others of the same patient, if the source names the patient otherwise, stay. Tables have
    ``image_id``, ``patient_id``, ``path`` and ``picture``, a digest of the pixels; null equals nothing.
    Returns the sets that are left, and one leak for each kind and pair, those without an image included.
    StudyError under ``stop``, with a line for each that has one.
    """
    leaks = [_compare(sets, kind, *pair) for kind in KINDS for pair in PAIRS]
    if policy == "stop" and any(leak.images for leak in leaks):
        raise StudyError("\n".join(str(leak) for leak in leaks if leak.images))
    kept = {name: np.ones(len(table), bool) for name, table in sets.items()}
    for leak in leaks:
        kept[leak.subset] &= ~leak.shared
    return {name: table[kept[name]] for name, table in sets.items()}, leaks


def _compare(sets: Mapping[str, pd.DataFrame], kind: str, subset: str, reference: str) -> Leak:
    # As objects: pandas converts Arrow strings one by one on every look-up.
    keys, known = (sets[name][KINDS[kind]].astype(object) for name in (subset, reference))
    shared = keys.isin(known.dropna()).to_numpy()
    if not shared.any():
        return Leak(kind, subset, reference, shared, None)
    first = shared.argmax()
    counterpart = (known == keys.iloc[first]).to_numpy().argmax()
    example = (sets[subset]["image_id"].iloc[first], sets[reference]["image_id"].iloc[counterpart])
    return Leak(kind, subset, reference, shared, example)


def describe_leaks(leaks: list[Leak]) -> list[dict[str, str | int]]:
    """Count for data/summary.json what :func:`separate` let pass, so all of it was dropped.

    An image that is shared in several ways counts in each.
    """
    return [
        {"kind": leak.kind, "set": leak.subset, "in": leak.reference}
        | dict.fromkeys(("images", "dropped"), leak.images)
        for leak in leaks
    ]


def count_repeats(table: pd.DataFrame) -> dict[str, int]:
    """Count pictures with several image ids in a set: ``groups``, and their ``images`` beyond the first."""
    copies = table["picture"].value_counts()  # without nulls
    copies = copies[copies > 1]
    return {"groups": len(copies), "images": int((copies - 1).sum())}
