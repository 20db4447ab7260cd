"""What is known of the models of a study: scores, weights, trainings, encoders, and where they look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxrlt_core.evidence.ensemble_entry import EnsembleResults, EnsembleRow
from cxrlt_core.evidence.ensembles import SingleModel
from cxrlt_core.system.rounding import rounded


@dataclass(frozen=True)
class ClassScore:
    """A class with one prediction: AP and AUROC with their intervals, and what it was scored on."""

    AP: float | None
    AUROC: float | None
    positive: int
    known: int
    patients: int
    AP_low: float | None = None
    AP_high: float | None = None
    AUROC_low: float | None = None
    AUROC_high: float | None = None

    @property
    def chance(self) -> float | None:
        """What a coin gets: the prevalence; None without a known label."""
        return rounded(self.positive / self.known) if self.known else None


@dataclass(frozen=True)
class Bins:
    """Bins of a reliability diagram: labels in each, their mean score and the share of positives."""

    labels: Sequence[int]
    score: Sequence[float | None]
    share: Sequence[float | None]


@dataclass(frozen=True)
class Curve:
    """Precision and recall of a class, where a positive is found."""

    AP: float
    recall: Sequence[float]
    precision: Sequence[float]


@dataclass(frozen=True)
class Curves:
    """``reliability``: as predicted, and scaled; ``precision_recall``: tail classes of the first seed."""

    reliability: Mapping[str, Bins]
    precision_recall: Mapping[str, Curve]


@dataclass(frozen=True)
class Fit:
    """What development data fitted: the temperature that probabilities are scaled by."""

    temperature: float


@dataclass(frozen=True)
class Ensemble(EnsembleRow):
    """A row of Table 2 as the report reads it."""

    calibration: Mapping[str, Fit]
    classes: Mapping[str, ClassScore]
    curves: Curves

    @property
    def chooses(self) -> bool:
        """Whether development data decide how much a member counts."""
        return any(len(set(weights)) > 1 for weights in self.weights.values())


@dataclass(frozen=True)
class Single(SingleModel):
    """A single model on the test set as the report reads it."""

    classes: Mapping[str, ClassScore]


@dataclass(frozen=True)
class EnsembleScores(EnsembleResults):
    """Content of metrics/ensemble.json; its singles are ``base`` and ``best single``."""

    rows: Mapping[str, Ensemble]
    singles: Mapping[str, Single]


@dataclass(frozen=True)
class SeedWeights:
    """Class weights that the development scores of one seed gave."""

    threshold: float | None
    weights: Mapping[str, float]


@dataclass(frozen=True)
class ClassWeights:
    """Content of weights/<name>.json: class weights of every seed, and their mean."""

    ratio: float
    rule: str
    threshold: float | None
    weights: Mapping[str, float]
    seeds: Mapping[str, SeedWeights]


@dataclass(frozen=True)
class Cost:
    """What one training took, and what computed it: device, kernels, code, when, and versions."""

    seconds: float
    device: str
    steps: int
    images: int
    passes: int | float
    peak_memory_mib: int
    environments: Sequence[Mapping[str, str]]  # in their order; several where it went on elsewhere


@dataclass(frozen=True)
class Epoch:
    """An epoch of a training; ``dev_mAP`` where a sample of the development set was scored after it."""

    variant: str
    seed: int
    epoch: int
    loss: float
    learning_rate: float
    dev_mAP: float | None = None


@dataclass(frozen=True)
class Pointing:
    """How often a model looks at a finding, with its interval, beside what hits without seeing the image."""

    images: int
    boxes: int
    patients: int
    hits: float
    low: float
    high: float
    chance: float
    centre: float
    others: float


@dataclass(frozen=True)
class Attention:
    """Content of metrics/attention.json: where the base variant looks, or why that is not known."""

    variant: str
    grid: int | None
    reason: str | None
    classes: Mapping[str, Pointing]
    few: Sequence[str] = ()  # classes of too few patients
    left_out: Mapping[str, int] = field(default_factory=dict)  # why boxes count for nothing, to how many


@dataclass(frozen=True)
class Encoder:
    """Content of data/encoders/<name>.json: an image encoder, and the origin of its weights."""

    network: str
    options: Mapping[str, Any]
    pixels: tuple[float, float] | None
    tokens: int
    width: int
    parameters: int
    gflops: float
    weights: Mapping[str, Any] | None


@dataclass(frozen=True)
class Seen:
    """What an encoder has seen of the test set: images and patients, of how many."""

    images: int
    of_images: int
    patients: int
    of_patients: int


@dataclass(frozen=True)
class Example:
    """An image, uint8 (H, W), with its positive labels."""

    image: np.ndarray
    labels: Sequence[str]


@dataclass(frozen=True)
class Look:
    """Where a model looks in an image, uint8 (H, W), for a class."""

    image: np.ndarray
    label: str  # the class
    labelled: bool  # whether the image has it
    probability: float  # that the model gives it
    map: np.ndarray  # attention of the cells, float (h, h)
    boxes: Sequence[Sequence[float]]  # left, top, right and bottom of the finding in 0..1, where it is known
