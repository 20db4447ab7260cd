"""What a comparison of systems is given: labels, predictions and rules; and what to warn of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.evidence.scoring import FEWEST_PATIENTS
from cxrlt_core.labels import NEGATIVE, POSITIVE, UNKNOWN

LEAST = 5  # patients with a finding, and without it, that a class needs to count in a difference
FEW = 10  # below, resamples understate what other patients would do


@dataclass(frozen=True)
class Labels:
    """Labelled images."""

    images: Sequence[str]  # names of the N images, each there once
    patients: Sequence[str]  # of each image
    classes: Sequence[str]  # names of the C columns
    targets: np.ndarray  # int8 (N, C), -1 unknown


@dataclass(frozen=True)
class System:
    """What a system predicts of the labelled images."""

    seeds: Sequence[np.ndarray]  # of each training: probabilities, or logits; float (N, C)
    warnings: Sequence[str] = ()  # about its files


@dataclass(frozen=True)
class Rules:
    """How systems are judged."""

    metric: str = "mAP"  # a mean over the classes, or of all of them together
    margin: float = 0.002  # a difference that is too small to matter, either way
    looks: Sequence[int] = ()  # numbers of seeds at which one looks; none: this once
    logits: bool = False  # predictions are logits
    level: float = 0.95  # 1 - level is the error rate of all pairs and looks together
    resamples: int = 1000  # of the patients
    seed: int = 0  # of the resamples


@dataclass(frozen=True)
class ClassCounts:
    """How often a class is known."""

    positive: int  # images
    negative: int  # images
    unknown: int  # images
    positive_patients: int  # with the finding in some image
    negative_patients: int  # without it in some image

    @property
    def defined(self) -> bool:
        """Whether any metric is defined."""
        return self.positive > 0 and self.negative > 0

    @property
    def fewest(self) -> int:
        """Patients with the finding or without it, whichever are fewer."""
        return min(self.positive_patients, self.negative_patients)


def count_classes(labels: Labels, patient: np.ndarray) -> dict[str, ClassCounts]:
    """Count the labels of each class; ``patient`` is the number of the patient of each image, int (N,)."""
    counts = {}
    for name, column in zip(labels.classes, labels.targets.T, strict=True):
        images = [int((column == state).sum()) for state in (POSITIVE, NEGATIVE, UNKNOWN)]
        patients = [len(np.unique(patient[column == state])) for state in (POSITIVE, NEGATIVE)]
        counts[name] = ClassCounts(*images, *patients)
    return counts


def same(scores: np.ndarray, others: np.ndarray) -> bool:
    """Whether predictions are the same in single precision, which is all that some files hold."""
    pairs = ((scores[:1], others[:1]), (scores, others))  # most differ in the first row
    return all(np.array_equal(one.astype(np.float32), two.astype(np.float32)) for one, two in pairs)


def warnings_of_labels(counts: Mapping[str, ClassCounts], least: int, patients: int) -> list[str]:
    """Say which classes are left out, or hardly known; ``least`` patients count in a difference."""
    lines, few = [], {name: each.fewest for name, each in counts.items() if each.defined}
    if patients < FEWEST_PATIENTS:
        lines.append(f"{patients} patients: resamples of fewer than {FEWEST_PATIENTS} say nothing of others")
    undefined = [name for name, each in counts.items() if not each.defined]
    if undefined:
        lines.append(f"left out, without a known positive or a known negative: {', '.join(undefined)}")
    for start, end, what in ((0, least, "left out of differences"), (least, FEW, "noise is understated")):
        if named := [f"{name} ({number})" for name, number in few.items() if start <= number < end]:
            lines.append(f"{what}, fewer than {end} patients with or without: {', '.join(named)}")
    return lines


def warnings_of_systems(
    systems: Mapping[str, System], pool: Sequence[System], looks: Sequence[int]
) -> list[str]:
    """Say what is odd about files, and where seeds do not allow a verdict."""
    lines = [line for system in (*systems.values(), *pool) for line in system.warnings]
    for name, system in systems.items():
        number = len(system.seeds)
        if number == 1:
            lines.append(f"{name}: one seed: training noise not measured, so no verdict")
        elif number < MIN_SEEDS:
            lines.append(f"{name}: two seeds: no verdict")
        elif looks and number not in looks:
            lines.append(f"{name}: {number} seeds, expected a declared look: {', '.join(map(str, looks))}")
        if any(same(*pair) for pair in combinations(system.seeds, 2)):
            lines.append(f"{name}: two seeds predict the same, expected trainings that differ")
    if pool and len({len(system.seeds) for system in systems.values()}) > 1:
        lines.append("unequal numbers of seeds: such systems are not compared seed by seed")
    given = [scores for system in systems.values() for scores in system.seeds]
    if any(same(scores, own) for system in pool for scores in system.seeds for own in given):
        lines.append("the pool holds trainings of the systems themselves, whose noise then counts twice")
    return lines
