"""What a study found: all that its report and its figures show, each part with a type of its own.

The names of attributes are those of the files between the stages, so that a part can be read from its file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cxrlt_core.evidence.contrasts import Contrast, published_steps
from cxrlt_core.evidence.scoring import Score
from cxrlt_core.evidence.training_noise import PooledNoise
from cxrlt_core.params.schema import Params


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: unique in its table.
        design: column to cell text, which design is on.
        metrics: mAP, mAP_low, mAP_high, mAP_corrected (less small-sample bias), the group means and mAUROC,
            four decimals; None undefined.
        errors: standard error of each mean.
        seeds: mAP of each training seed.
        difference: mAP minus that of the first row: point, low, high.
        published: the paper's mAP.
        selected: development data chose something in this row, and it is scored on them.
        label: its designs in a few words.
    """

    name: str
    design: dict[str, str]
    metrics: dict[str, float | None]
    errors: dict[str, float | None]
    seeds: Sequence[float | None]
    difference: Sequence[float | None]
    published: float | None
    selected: bool = False
    label: str = ""


@dataclass(frozen=True)
class Table:
    """A table of the study, and what compares its rows.

    Attributes:
        number: 1 or 2.
        split: that the rows are scored on, dev or test.
        rows: at least one.
        contrasts: of the rows.
        plan: what it would take to resolve them.
        positives: class to its positive patients in the split.
    """

    number: int
    split: str
    rows: Sequence[Row]
    contrasts: Sequence[Contrast]
    plan: Any
    positives: Mapping[str, int]

    @property
    def name(self) -> str:
        """As files and sections name it: ``table1``."""
        return f"table{self.number}"

    @property
    def title(self) -> str:
        """As people name it: ``Table 1``."""
        return f"Table {self.number}"

    @property
    def data(self) -> str:
        """What the rows are scored on, in words: development or test."""
        return SPLITS[self.split]

    @property
    def steps(self) -> list[Contrast]:
        """The contrasts of published rows; all where nothing is published."""
        return published_steps(self.contrasts)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Row to its number."""
        return {row.name: number for number, row in enumerate(self.rows, 1)}

    def labels(self) -> list[str]:
        """Each row by its number and designs."""
        return [f"{number}  {row.label}" for number, row in enumerate(self.rows, 1)]

    def rows_text(self, names: Sequence[str]) -> str:
        """Name the rows of a contrast by their numbers: ``2 − 1``, or ``9 − 8 − (7 − 6)``."""
        pairs = zip(names[::2], names[1::2], strict=True)
        first, *rest = (f"{self.numbers[row]} − {self.numbers[reference]}" for row, reference in pairs)
        return " − ".join([first, *(f"({pair})" for pair in rest)])


SPLITS = {"dev": "development", "test": "test"}


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
    """What a source brings; ``known`` names the classes that it knows, ``dropped`` why rows were left out."""

    rows: int
    images: int
    patients: int
    studies: int
    views: Mapping[str, int]
    known: Sequence[str]
    dropped: Mapping[str, int]
    rejected_images: Mapping[str, int]
    held_out: int
    classes: Mapping[str, LabelCounts]


@dataclass(frozen=True)
class Data:
    """Content of data/summary.json.

    Attributes:
        classes: the label space of the study.
        splits: dev and test to where they come from.
        sources: by name.
        sets: by name.
        not_replenished: classes that no extra source knows.
        leaks: what sets share, a line each: kind, set, in, images, dropped.
        repeats: set to its pictures that are there more than once: groups, images.
    """

    classes: Sequence[str]
    splits: Mapping[str, str]
    sources: Mapping[str, SourceCounts]
    sets: Mapping[str, SetCounts]
    not_replenished: Sequence[str]
    leaks: Sequence[Mapping[str, str | int]]
    repeats: Mapping[str, Mapping[str, int]]

    def shown(self) -> dict[str, SetCounts]:
        """The sets that a reader should see: the replenished one only where something replenishes it."""
        several = len(self.sources) > 1
        names = ("train_primary", *(["train_replenished"] if several else []), "dev", "test")
        return {name: self.sets[name] for name in names}


@dataclass(frozen=True)
class ClassScore:
    """A class with one prediction: AP with its interval, AUROC, and what it was scored on."""

    AP: float | None
    AUROC: float | None
    positive: int
    known: int
    patients: int
    AP_low: float | None = None
    AP_high: float | None = None


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
class Ensemble:
    """A row of Table 2 in metrics/ensemble.json.

    Attributes:
        models: its M members.
        weights: class to the weights of the members, averaged over the seeds.
        stability: class to the share of its members that other development patients would choose again.
        chosen_again: class to how often each member would be chosen.
        calibration: seed to what was fitted.
        dev_mAP: optimistic where development data chose the members.
        plain_dev_mAP: of the mean of all members.
        plain_test_mAP: of the same.
        optimism: what the row loses beyond the plain mean: point, low, high.
        classes: class to its scores.
        curves: of the predictions.
        metrics: as of a :class:`Row`, like the next three.
    """

    models: Sequence[str]
    weights: Mapping[str, Sequence[float]]
    stability: Mapping[str, float | None]
    chosen_again: Mapping[str, Sequence[float]]
    calibration: Mapping[str, Fit]
    dev_mAP: float | None
    plain_dev_mAP: float | None
    plain_test_mAP: float | None
    optimism: Sequence[float | None]
    classes: Mapping[str, ClassScore]
    curves: Curves
    metrics: dict[str, float | None]
    errors: dict[str, float | None]
    seeds: Sequence[float | None]
    difference: Sequence[float | None]

    @property
    def chooses(self) -> bool:
        """Whether development data decide how much a member counts."""
        return any(len(set(weights)) > 1 for weights in self.weights.values())


@dataclass(frozen=True)
class Single:
    """A single model on the test set."""

    variant: str
    classes: Mapping[str, ClassScore]


@dataclass(frozen=True)
class EnsembleScores:
    """Content of metrics/ensemble.json: the rows of Table 2, and the models ``base`` and ``best single``."""

    rows: Mapping[str, Ensemble]
    singles: Mapping[str, Single]
    contrasts: Sequence[Contrast]


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
    """What one training took."""

    seconds: float
    device: str
    steps: int
    images: int
    passes: int | float
    peak_memory_mib: int


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
    """How often a model looks at a finding, with its interval, beside what chance and other maps hit."""

    images: int
    patients: int
    hits: float
    low: float
    high: float
    chance: float
    others: float | None


@dataclass(frozen=True)
class Attention:
    """Content of metrics/attention.json: where the base variant looks, or why that is not known."""

    variant: str
    grid: int | None
    reason: str | None
    classes: Mapping[str, Pointing]


@dataclass(frozen=True)
class Example:
    """An image, uint8 (H, W), with its positive labels."""

    image: np.ndarray
    labels: Sequence[str]


@dataclass(frozen=True)
class Look:
    """Where a model looks in an image, uint8 (H, W), for a class.

    Attributes:
        image: grey.
        label: the class.
        labelled: whether the image has it.
        probability: that the model gives it.
        map: attention of the cells, float (h, h).
        box: left, top, right and bottom of the finding in 0..1; None where it is not known.
    """

    image: np.ndarray
    label: str
    labelled: bool
    probability: float
    map: np.ndarray
    box: Sequence[float] | None


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
class Origins:
    """Where numbers come from.

    Attributes:
        encoders: image encoder to what it is.
        texts: text encoder to the origin of its weights.
        versions: package to version.
        revision: of the code.
    """

    encoders: Mapping[str, Encoder]
    texts: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]
    revision: str


@dataclass(frozen=True)
class Results:
    """What a study found.

    Attributes:
        params: of the study.
        data: its sources and sets.
        classes: of the label space, by name.
        tables: Table 1, on development data, and Table 2, on test data.
        effects: main effects of Table 1.
        scores: of the rows of Table 1, on the same resamples.
        noise: of the trainings behind them.
        ensembles: behind Table 2.
        targets: labels of the primary training set, int8 (N, C), in the order of ``data.classes``.
        weights: by the name of the reweighting.
        upweighted: the same to class to the share of development resamples in which it would be put up.
        history: of all trainings.
        costs: variant to its trainings, one a seed.
        attention: where the base variant looks.
        origins: of the numbers.
        examples: images that may be shown.
        looks: images that may be shown, with what the base variant attends to.
    """

    params: Params
    data: Data
    classes: Mapping[str, ClassInfo]
    tables: tuple[Table, Table]
    effects: Any
    scores: Mapping[str, Score]
    noise: PooledNoise
    ensembles: EnsembleScores
    targets: np.ndarray
    weights: Mapping[str, ClassWeights]
    upweighted: Mapping[str, Mapping[str, float]]
    history: Sequence[Epoch]
    costs: Mapping[str, Sequence[Cost]]
    attention: Attention
    origins: Origins
    examples: Sequence[Example] = field(default_factory=list)
    looks: Sequence[Look] = field(default_factory=list)

    @property
    def shown(self) -> tuple[str, Ensemble]:
        """The ensemble whose classes are shown, by name: the last class-wise one, or else the last."""
        rows = self.params.table2
        name = [row.name for row in rows if row.method == "class_wise"] or [rows[-1].name]
        return name[-1], self.ensembles.rows[name[-1]]
