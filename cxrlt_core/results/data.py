"""Counts of the data: what the sources bring and what the sets hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ClassInfo:
    """A class of the label space: group, and prevalence in the training set; None without a known label."""

    group: str
    prevalence: float | None


@dataclass(frozen=True)
class LabelCounts:
    """Known and unknown labels of a class."""

    positive: int
    negative: int
    unknown: int
    uncertain: int = 0

    @property
    def known(self) -> int:
        """Positive and negative ones."""
        return self.positive + self.negative


@dataclass(frozen=True)
class SetCounts:
    """What a set holds."""

    images: int
    patients: int
    studies: int
    classes: Mapping[str, LabelCounts]


@dataclass(frozen=True)
class SourceCounts:
    """What a source brings."""

    rows: int
    images: int
    patients: int
    studies: int
    views: Mapping[str, int]
    known: Sequence[str]  # classes that it knows
    dropped: Mapping[str, int]  # why rows were left out
    rejected_images: Mapping[str, int]
    held_out: int
    classes: Mapping[str, LabelCounts]
    unread: Mapping[str, int]  # labels of no class, to their positives
    # class to relation to names of the source that are not the class, to their positives
    related: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Data:
    """Content of data/summary.json."""

    classes: Sequence[str]  # the label space of the study
    splits: Mapping[str, str]  # dev and test to where they come from
    sources: Mapping[str, SourceCounts]
    sets: Mapping[str, SetCounts]
    not_replenished: Sequence[str]  # classes that no extra source knows
    leaks: Sequence[Mapping[str, str | int]]  # what sets share, a line each: kind, set, in, images, dropped
    repeats: Mapping[str, Mapping[str, int]]  # set to its pictures that are there more than once

    @property
    def replenished(self) -> bool:
        """Whether a source replenishes training."""
        return len(self.sources) > 1

    def shown(self) -> dict[str, SetCounts]:
        """The sets that a reader should see: the replenished one only where something replenishes it."""
        names = ("train_primary", *(["train_replenished"] if self.replenished else []), "dev", "test")
        return {name: self.sets[name] for name in names}
