"""The study's parameters as frozen, typed objects; :mod:`cxrlt_core.params.parse` makes them."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from cxrlt_core.labels import CLASSES
from cxrlt_core.losses import LossSettings
from cxrlt_core.params.encoders import ImageEncoder, TextEncoder
from cxrlt_core.params.training import Augment, LossEntry, Mixup, Train
from cxrlt_core.system.settings import (
    MOST,
    Count,
    Fraction,
    Name,
    NotNegative,
    Positive,
    Real,
    Section,
    Seed,
    usual,
)


class DemoImages(Section):
    """How many images the demo draws for each set of the primary source and for each extra one."""

    train: Count = usual(2000)
    dev: Count = usual(1000)
    test: Count = usual(2000)
    extra: Count = usual(1000)


class Demo(Section):
    """The synthetic releases and stand-in text encoders; empty lists switch them off."""

    sources: list[Literal["mimic", "nih", "chexpert"]] = usual([])
    text_encoders: list[Literal["pubmedbert", "clinical_t5"]] = usual([])
    seed: Seed = usual(0)
    size: Annotated[int, Field(ge=32, le=4096)] = usual(64)  # pixels, square
    images: DemoImages


Policy = Literal["ignore", "zero", "one"]


class Source(Section):
    """Where one data set lies on disk, and how its labels are read."""

    labels: str = usual("data/local/nih/labels/Data_Entry_2017_v2020.csv")  # or a folder with the files
    images: str = usual("data/local/nih/images")  # folder that the paths in the label files are relative to
    test_list: str | None = usual(None)  # NIH: official list of test images
    uncertain: dict[str, Policy] = usual("ignore")  # what -1 becomes; in YAML also one word for all
    views: Literal["all", "frontal"] = usual("all")  # frontal: PA and AP

    @field_validator("uncertain", mode="before")
    @classmethod
    def spread(cls, value: Any) -> Any:
        """Take one word for all classes."""
        if isinstance(value, str):
            return {"default": value}
        if not isinstance(value, dict) or "default" not in value:
            raise ValueError("expected ignore, zero or one, or a mapping of classes and default to these")
        return value

    @field_validator("uncertain")
    @classmethod
    def name_classes(cls, value: dict[str, Policy]) -> dict[str, Policy]:
        """Reject what is no class."""
        for name in value:
            if name not in ("default", *CLASSES):
                raise ValueError(f"{name!r} is neither a class of the label space nor default")
        return value


class Splits(Section):
    """Fractions of patients for development and test, where the source brings no official split."""

    dev: Fraction = usual(0.1)
    test: Fraction = usual(0.2)
    seed: Seed = usual(0)

    @model_validator(mode="after")
    def leave_some_for_training(self) -> "Splits":
        """Reject fractions that use up all patients."""
        if self.dev + self.test >= 1:
            raise ValueError("dev + test must be below 1")
        return self


class Groups(Section):
    """Prevalence limits in the training set: head classes from, tail classes below."""

    head: Fraction = usual(0.1)
    tail: Fraction = usual(0.01)

    @model_validator(mode="after")
    def in_order(self) -> "Groups":
        """Reject limits by which a class would be head and tail at once."""
        if self.tail > self.head:
            raise ValueError(f"tail {self.tail:g} must not be above head {self.head:g}")
        return self


class Data(Section):
    """Data sets and their roles."""

    primary: Name = usual("nih")  # supplies train, dev, test and the label space
    extra: list[Name] = usual([])  # replenish the training set
    sources: dict[Name, Source]
    splits: Splits
    leaks: Literal["stop", "drop"] = usual("stop")  # training images that dev or test has too
    groups: Groups


class Image(Section):
    """Packed images: square, grey, uint8."""

    size: Annotated[int, Field(ge=16, le=4096)] = usual(224)  # pixels
    store: str = usual("data/arrays")  # folder of the packed arrays
    fit: Literal["squash", "crop", "pad"] = usual("squash")  # how other shapes become square
    max_rejects: Fraction = usual(0.01)  # share of unreadable images that stops the run


class QueryNetwork(Section):
    """The transformer decoder."""

    width: Annotated[int, Field(ge=1, le=65536)] = usual(768)
    layers: Annotated[int, Field(ge=1, le=1000)] = usual(4)
    heads: Count = usual(4)
    feedforward: Count = usual(1024)
    dropout: Fraction = usual(0.1)

    @model_validator(mode="after")
    def divide_width(self) -> "QueryNetwork":
        """Reject a width that the heads cannot share."""
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        return self


class Reweighting(Section):
    """How development AP becomes weights of classes."""

    ratio: Positive = usual(2)  # weight of the upweighted classes; all others weigh 1
    rule: Literal["below_mean", "below_median", "bottom_k"] = usual("below_mean")
    k: Count = usual(5)  # for bottom_k


class Reweight(Section):
    """Loss weights from development AP: ``main``, ``contrast`` and any more, by name."""

    base: Name = usual("resnet50_bert_separate")  # the variant whose development AP decides
    ratio: Positive = usual(2)  # of the weights main
    contrast_ratio: Positive = usual(3)  # of the weights contrast
    rule: Literal["below_mean", "below_median", "bottom_k"] = usual("below_mean")  # of both
    k: Count = usual(5)  # of both, for bottom_k
    more: dict[Name, Reweighting] = usual({})


class Tta(Section):
    """Test-time augmentation: random views an image, probabilities averaged."""

    views: Count = usual(8)
    seed: Seed = usual(0)
    augment: Augment


class StudyLevel(Section):
    """Whether an image is scored with its own prediction or with that of its study."""

    aggregate: Literal["none", "mean", "view_weighted"] = usual("none")


class Ensemble(Section):
    """Choice of the models that each class averages."""

    members: Annotated[list[Name], Field(min_length=1)] | None = usual(None)  # null: of the published rows
    top_k: Count = usual(3)
    prior_positives: Positive = usual(20)  # shrunk: positives at which the choice has half the say


class Bootstrap(Section):
    """Patient-level bootstrap behind every interval."""

    resamples: Annotated[int, Field(ge=100, le=MOST)] = usual(1000)
    seed: Seed = usual(0)
    level: Annotated[Real, Field(gt=0.5, lt=1)] = usual(0.95)


class Evidence(Section):
    """How differences are judged."""

    negligible: NotNegative = usual(0.002)  # difference of mAP that is too small to matter, either way
    min_positives: Count = usual(5)  # positive patients that a class needs to count in a verdict


class Compute(Section):
    """Machine. The thread count changes the order of float sums, so it is part of the study."""

    threads: Annotated[int, Field(ge=1, le=1024)] = usual(2)
    device: str = usual("auto")  # auto, cpu, cuda, cuda:1, …
    batch_size: Count = usual(128)  # images a step at inference

    @field_validator("device")
    @classmethod
    def name_a_device(cls, value: str) -> str:
        """Reject what computes nothing, or not the same bits twice."""
        if not re.fullmatch("auto|cpu|cuda(:[0-9]{1,3})?", value):
            raise ValueError("expected auto, cpu, cuda or cuda:<number>")
        return value


class Launch(Section):
    """Prefixes of commands: python, or torchrun with its arguments."""

    train: str = usual("python")
    evaluate: str = usual("python")  # evaluate and tta


class Report(Section):
    """What the report may show."""

    title: str = usual("Long-tail ablation")
    show_images: bool = usual(False)  # pictures of patients; for synthetic or public images only


class Variant(Section):
    """One training: a combination of the designs."""

    image: Name = usual("resnet50")
    text: Name = usual("pubmedbert")
    separate: bool = usual(True)
    loss: Name = usual("bce")
    weights: Name = usual("uniform")  # or a reweighting
    mixup: bool = usual(False)
    data: Literal["primary", "replenished"] = usual("primary")


class Table1Row(Section):
    """A row of Table 1: a variant, with or without TTA, and the figure published for it."""

    variant: Name = usual("resnet50_bert_separate")
    tta: bool = usual(False)
    published: Real | None = None

    @property
    def name(self) -> str:
        """Name of the row in table1.json."""
        return f"{self.variant}+tta" if self.tta else self.variant


class Table2Row(Section):
    """A row of Table 2: an ensemble, and the figure published for it."""

    method: Literal["model_wise", "class_wise", "bagged", "shrunk"] = usual("class_wise")
    replenished: bool = usual(False)
    published: Real | None = None

    @property
    def name(self) -> str:
        """Name of the row in table2.json."""
        return f"{self.method}_replenished" if self.replenished else self.method


class Params(Section):
    """All of params.yaml."""

    demo: Demo
    data: Data
    image: Image
    text_encoders: dict[Name, TextEncoder]
    image_encoders: dict[Name, ImageEncoder]
    query: QueryNetwork
    train: Train
    mixup: Mixup
    losses: dict[Name, LossEntry] = usual({"bce": {"kind": "bce"}})
    reweight: Reweight
    tta: Tta
    study: StudyLevel
    ensemble: Ensemble
    bootstrap: Bootstrap
    evidence: Evidence
    compute: Compute
    launch: Launch
    report: Report
    variants: Annotated[dict[Name, Variant], Field(min_length=1)]
    table1: Annotated[list[Table1Row], Field(min_length=1)]
    table2: Annotated[list[Table2Row], Field(min_length=1)]

    @property
    def used_sources(self) -> list[str]:
        """The primary source, then the extra ones."""
        return [self.data.primary, *self.data.extra]

    @property
    def reweightings(self) -> dict[str, Reweighting]:
        """Every reweighting by its name."""
        both = {"main": self.reweight.ratio, "contrast": self.reweight.contrast_ratio}
        rule, k = self.reweight.rule, self.reweight.k
        main = {name: Reweighting(ratio=ratio, rule=rule, k=k) for name, ratio in both.items()}
        return {**main, **self.reweight.more}

    @property
    def members(self) -> list[str]:
        """The variants that ensembles are made of: those named, or else those of the published rows."""
        published = [row.variant for row in self.table1 if row.published is not None]
        chosen = published if self.ensemble.members is None else self.ensemble.members
        return [name for name in self.variants if name in chosen]

    def content_of(self, variant: str) -> dict[str, Any]:
        """Return the fields of a variant, with what they name in place of the names."""
        chosen = self.variants[variant]
        weights = self.reweightings.get(chosen.weights)
        return chosen.model_dump() | {
            "image": self.image_encoders[chosen.image].model_dump(),
            "text": self.text_encoders[chosen.text].model_dump(),
            "loss": self.losses[chosen.loss].model_dump(),
            "weights": weights and weights.model_dump(),
        }

    def loss_of(self, variant: str) -> LossSettings:
        """Return the settings of the loss that a variant trains with."""
        return self.losses[self.variants[variant].loss]
