"""The study's parameters as frozen, typed objects; :mod:`cxrlt_core.study.parse` makes them."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from cxrlt_core.designs.ensemble import Ensemble
from cxrlt_core.designs.reweight import Reweight
from cxrlt_core.designs.text_encoder import TextEncoder
from cxrlt_core.designs.tta import Tta
from cxrlt_core.params.designs import Designs, known_method
from cxrlt_core.params.encoders import ImageEncoder
from cxrlt_core.params.label_space import LabelSpace
from cxrlt_core.params.training import LossEntry, Train
from cxrlt_core.system.settings import (
    MOST,
    Count,
    Fraction,
    Name,
    NotNegative,
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

    reader: Name | None = None  # gathered: the source's name if absent
    labels: str = usual("data/local/nih/labels/Data_Entry_2017_v2020.csv")  # or a folder with the files
    images: str = usual("data/local/nih/images")  # folder that the paths in the label files are relative to
    test_list: str | None = usual(None)  # NIH: official list of test images
    uncertain: dict[str, Policy] = usual("ignore")  # what -1 becomes; in YAML also one word for all
    views: Literal["all", "frontal"] = usual("all")  # frontal: PA, AP, or one of them
    own: dict[str, Any] = Field({})  # gathered: keys that its reader alone has, checked by the reader

    @field_validator("uncertain", mode="before")
    @classmethod
    def spread(cls, value: Any) -> Any:
        """Take one word for all classes."""
        if isinstance(value, str):
            return {"default": value}
        if not isinstance(value, dict) or "default" not in value:
            raise ValueError("expected ignore, zero or one, or a mapping of classes and default to these")
        return value


class External(Source):
    """A set that models are scored on and never trained: it says what a source says, and more."""

    split: Literal["train", "dev", "test"] | None = None  # the official part that is taken; null: all
    hospital: Name | None = None  # the source that is of the same hospital, if one is
    human: bool = False  # its labels are of people who looked at the images
    published: dict[str, Real] = Field({})  # mean AUROC of other systems, with other training data


class NamedFile(Section):
    """A file of any place, known by its content."""

    file: str = usual("data/local/rad-dino/training_images.csv")
    sha256: str = usual("0" * 64)


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

    label_space: str = usual("cxrlt2023")  # or the path of a file
    primary: Name = usual("nih")  # supplies train, dev, test and those classes that it knows
    extra: list[Name] = usual([])  # replenish the training set
    sources: dict[Name, Source]
    external: dict[Name, External] = usual({})  # sets that nothing trains on, for Table 3
    boxes: dict[Name, list[NamedFile]] = Field({})  # gathered: each a key of its source, or external set
    splits: Splits
    leaks: Literal["stop", "drop"] = usual("stop")  # training images that dev or test has too
    groups: Groups


Fit = Literal["squash", "crop", "pad"]


class Image(Section):
    """Packed images: square, grey, uint8."""

    size: Annotated[int, Field(ge=16, le=4096)] = usual(224)  # pixels
    store: str = usual("data/arrays")  # folder of the packed arrays
    fit: Fit = usual("squash")  # how other shapes become square
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


class StudyLevel(Section):
    """Whether an image is scored with its own prediction or with that of its study."""

    aggregate: Literal["none", "mean", "view_weighted"] = usual("none")


class Bootstrap(Section):
    """Patient-level bootstrap behind every interval."""

    resamples: Annotated[int, Field(ge=100, le=MOST)] = usual(1000)
    seed: Seed = usual(0)
    level: Annotated[Real, Field(gt=0.5, lt=1)] = usual(0.95)


class Evidence(Section):
    """How differences are judged."""

    margin: NotNegative = usual(0.002)  # difference of mAP that is too small to matter, either way
    min_positives: Count = usual(5)  # positive patients that a class needs to count in a verdict
    # pairs of rows of a table that are judged; None: the steps between published rows
    primary: list[Annotated[list[str], Field(min_length=2, max_length=2)]] | None = None
    # numbers of seeds at which one looks, declared before the first; None: once, at those there are
    looks: Annotated[list[Annotated[int, Field(ge=3, le=MOST)]], Field(min_length=1)] | None = None

    @field_validator("looks")
    @classmethod
    def rise(cls, value: list[int] | None) -> list[int] | None:
        """Reject looks at as many seeds as before, or at fewer."""
        if value is not None and value != sorted(set(value)):
            raise ValueError("expected rising numbers of seeds, such as [3, 5, 10]")
        return value


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


class Recipe(Section):
    """``train``, ``image`` and ``query`` of the variants that name it: the study's, with its changes."""

    train: Train
    image: Image
    query: QueryNetwork


class Variant(Section):
    """One training: what it is made of, and the designs that it has; what is absent is off."""

    image: Name = usual("resnet50")
    text: Name = usual("pubmedbert")
    loss: Name = usual("bce")
    weights: Name = usual("uniform")  # or a reweighting
    data: Literal["primary", "replenished"] = usual("primary")
    init: Name = usual("none")  # or the variant whose weights of the same seed it starts from
    recipe: Name | None = None
    designs: Designs = Field({})  # each a key of its own in params.yaml


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
    """A row of Table 2: an ensemble, and the figure published for it.

    Its members are named, or those of ``ensemble.members``, the replenished ones among them or not.
    """

    name: Name = usual("class_wise")  # said by its method where it is not stated
    method: Annotated[str, AfterValidator(known_method)] = usual("class_wise")
    replenished: bool | None = None
    members: Annotated[list[Name], Field(min_length=1)] | None = None
    published: Real | None = None


class ZeroShot(Section):
    """Trainings of a variant that do not know some classes, and are asked about them by name."""

    folds: Annotated[int, Field(ge=2, le=100)] = usual(5)  # trainings; each class is hidden from one

    @model_validator(mode="before")
    @classmethod
    def of_a_variant(cls, value: Any) -> Any:
        """Reject what stands where the name of a variant should."""
        if not isinstance(value, dict):
            raise ValueError("expected a variant and its folds, such as resnet50_bert_shared: {folds: 5}")
        return value


class Params(Section):
    """All of params.yaml."""

    demo: Demo
    data: Data
    label_space: LabelSpace = Field(default_factory=LabelSpace.model_construct)  # what data.label_space names
    image: Image
    text_encoders: dict[Name, TextEncoder]
    image_encoders: dict[Name, ImageEncoder]
    seen: dict[Name, NamedFile] = Field({})  # each a key of its image encoder: what its weights have seen
    query: QueryNetwork
    train: Train
    recipes: dict[Name, Recipe] = usual({})
    designs: Designs = Field({})  # each a section of its own: of all variants that have it
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
    zero_shot: dict[Name, ZeroShot] = Field({})  # by variant; of none where it is absent
