"""From what a source calls its findings to classes of the study: by name, or as its label space relates."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxrlt_core.labels import NEGATIVE, POSITIVE, spelling
from cxrlt_core.params.label_space import LabelSpace, Related
from cxrlt_core.sources.label_file import BLANK, OPEN, UNCERTAIN


class Mapped(NamedTuple):
    """The marks of a source in a label space."""

    marks: pd.DataFrame  # int8 (N, classes that the source knows), in label-space order; OPEN where not told
    related: dict[str, Related]  # class to its names in the source, where they are other than the same
    unread: list[str]  # names of the source of which no class is made


def map_marks(marks: pd.DataFrame, space: LabelSpace, of: str | None = None) -> Mapped:
    """Make marks of classes out of marks of names, int8 (N, names): 1, 0, UNCERTAIN or BLANK.

    ``of`` is the label space of the names, if they have one: where the study's relates a class to it, that
    counts, and otherwise the name. Of several names that are the class together one suffices. What is near a
    class, or overlaps with it, leaves the class open where it is there. A class that excludes others, and of
    which nothing tells that it is absent, is absent beside one of them.
    """
    names = {label: names_of(label, space, list(marks), of) for label in space.classes}
    known = {label: _marks_of(marks, related) for label, related in names.items()}
    mapped = pd.DataFrame({label: m for label, m in known.items() if m is not None}, marks.index)
    for label, beside in space.normal.items():
        if label in mapped and not _same(names[label]):
            excluded = mapped.drop(columns=[label, *beside], errors="ignore")
            sick = (excluded == POSITIVE).any(axis=1) & (mapped[label] != POSITIVE)
            mapped[label] = mapped[label].mask(sick, NEGATIVE).astype(np.int8)
    used = {name for r in names.values() for key, others in r.items() if key != "use" for name in others}
    related = {label: r for label, r in names.items() if r.keys() - {"exact"}}
    return Mapped(mapped, related, [name for name in marks if name not in used])


def names_of(label: str, space: LabelSpace, names: Sequence[str], of: str | None) -> Related:
    """Return those of some names that a class is related to, by relation; ``use`` is kept."""
    stated = space.relations.get(of or "", {}).get(label)
    if stated is not None:
        there = {key: [n for n in others if key == "use" or n in names] for key, others in stated.items()}
        return {key: others for key, others in there.items() if others}
    spelt = {spelling(name): name for name in names}
    called = (spelling(name) for name in (label, *space.aliases.get(label, [])))
    same = next((spelt[name] for name in called if name in spelt), None)
    return {"exact": [same]} if same else {}


def _same(related: Related) -> list[str]:
    """Return the names that stand for the class, absent or present."""
    return related.get("exact", []) + (related.get("near", []) if "near" in related.get("use", []) else [])


def _marks_of(marks: pd.DataFrame, related: Related) -> np.ndarray | None:
    """Return the marks of a class, int8 (N,); None if nothing tells of it."""
    use, same = related.get("use", []), _same(related)
    narrower, broader = (related.get(key, []) if key in use else [] for key in ("narrower", "broader"))
    if not (same or narrower or broader):
        return None
    near = [name for name in related.get("near", []) if name not in same] + related.get("partial", [])

    def has(names: Iterable[str], mark: int) -> np.ndarray:
        there = np.zeros(len(marks), bool)
        for name in names:
            there |= marks[name].to_numpy() == mark
        return there

    found = np.full(len(marks), NEGATIVE if same else OPEN, np.int8)
    if not same and broader:  # a class is absent where what holds it is
        found[has(broader, BLANK)] = BLANK
        found[has(broader, NEGATIVE)] = NEGATIVE
    found[has(same, BLANK)] = BLANK
    found[has(near, POSITIVE)] = OPEN
    found[has(same, UNCERTAIN)] = UNCERTAIN
    found[has([*same, *narrower], POSITIVE)] = POSITIVE
    return found
