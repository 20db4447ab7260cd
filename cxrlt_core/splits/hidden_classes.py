"""Classes that are hidden from a training, to be asked for by name afterwards, and what tells of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.labels import UNKNOWN, spelling
from cxrlt_core.params.label_space import LabelSpace

#: Classes that others are a kind of, whatever is known of them elsewhere: each tells of every finding.
UMBRELLAS = ("lung opacity",)


@dataclass(frozen=True)
class Fold:
    """Classes that one training does not know, and those that tell of them, of which it knows names alone."""

    hidden: list[str]
    unknown: list[str]


def folds_of(classes: Sequence[str], space: LabelSpace, count: int) -> list[Fold]:
    """Deal classes into folds, so that each is hidden once; fewer folds where there are fewer classes.

    A class that excludes others, such as No Finding, is in no fold: all other labels together say it.
    """
    findings = [name for name in classes if name not in space.normal]
    dealt = [findings[number::count] for number in range(min(count, len(findings)))]
    return [
        Fold(
            hidden,
            [c for c in classes if c not in hidden and any(tells_of(c, name, space) for name in hidden)],
        )
        for hidden in dealt
    ]


def tells_of(label: str, other: str, space: LabelSpace) -> bool:
    """Whether a label gives another one away, as far as a label space knows.

    It does where it excludes the other, where all findings are a kind of it, or where any other label space
    has a finding that both are related to.
    """
    if label in space.normal:
        return other not in space.normal[label]
    if spelling(label) in UMBRELLAS:
        return True
    return any(
        _called(label, space, elsewhere) & _called(other, space, elsewhere) for elsewhere in space.relations
    )


def _called(label: str, space: LabelSpace, elsewhere: str) -> set[str]:
    """Return the findings of another label space that a class is related to, or those of its own name."""
    stated = space.relations[elsewhere].get(label)
    if stated is None:
        return {spelling(name) for name in (label, *space.aliases.get(label, []))}
    return {spelling(name) for relation, names in stated.items() if relation != "use" for name in names}


def hide(targets: np.ndarray, classes: Sequence[str], fold: Fold) -> tuple[np.ndarray, list[str]]:
    """Return targets int8 (N, C - H) and names of the classes that a training knows.

    Hidden classes are gone, so that nothing can be centred, weighted or started by them; what tells of them
    keeps its name and has no known label.
    """
    kept = [name for name in classes if name not in fold.hidden]
    known = np.ascontiguousarray(targets[:, np.isin(classes, kept)])
    known[:, np.isin(kept, fold.unknown)] = UNKNOWN
    return known, kept
