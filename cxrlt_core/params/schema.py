"""The study's parameters as frozen, typed objects; :mod:`cxrlt_core.params.parse` makes them."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cxrlt_core.labels import CLASSES
from cxrlt_core.params.training import Augment, Bce, LossSettings, Mixup, Train
from cxrlt_core.params.types import Count, Fraction, Name, Positive, Real, Section, Seed


def _switch_or_file(value: Any) -> Any:
    if not isinstance(value, bool | str):
        raise ValueError("input should be true, false or a .safetensors file")
    return value


class DemoImages(Section):
    """How many images the demo draws for each set of the primary source and for each extra one."""

    train: Count = 2000
    dev: Count = 1000
    test: Count = 2000
    extra: Count = 1000


class Demo(Section):
    """The synthetic releases and stand-in text encoders; empty lists switch them off."""

    sources: list[Literal["mimic", "nih", "chexpert"]]
    text_encoders: list[Literal["pubmedbert", "clinical_t5"]]
    seed: Seed = 0
    size: Annotated[int, Field(ge=32)] = 64  # pixels, square
    images: DemoImages = DemoImages()


Policy = Literal["ignore", "zero", "one"]


class Source(Section):
    """Where one data set lies on disk, and how its labels are read."""

    labels: str  # file or folder with the label files
    images: str  # folder that the paths in the label files are relative to
    test_list: str | None = None  # NIH: official list of test images
    uncertain: dict[str, Policy] = Field(
        {"default": "ignore"}
    )  # what -1 becomes; in YAML also one word for all
    views: Literal["all", "frontal"] = "all"  # frontal: PA and AP

    @field_validator("uncertain", mode="before")
    @classmethod
    def spread(cls, value: Any) -> Any:
        """Take one word for all classes."""
        if isinstance(value, str):
            return {"default": value}
        if not isinstance(value, dict):
            raise ValueError("expected ignore, zero or one, or a mapping of classes to these")
        return {"default": "ignore", **value}

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

    dev: Fraction
    test: Fraction
    seed: Seed

    @model_validator(mode="after")
    def leave_some_for_training(self) -> "Splits":
        """Reject fractions that use up all patients."""
        if self.dev + self.test >= 1:
            raise ValueError("dev + test must be below 1")
        return self


class Groups(Section):
    """Prevalence limits in the training set: head classes from, tail classes below."""

    head: Fraction
    tail: Fraction


class Data(Section):
    """Data sets and their roles."""

    primary: Name  # supplies train, dev, test and the label space
    extra: list[Name]  # replenish the training set
    sources: dict[Name, Source]
    splits: Splits
    leaks: Literal["stop", "drop"] = "stop"  # training images found in dev or test: stop, or leave them out
    groups: Groups = Groups(head=0.1, tail=0.01)


class Image(Section):
    """Packed images: square, grey, uint8."""

    size: Annotated[int, Field(ge=16)]  # pixels
    store: str  # folder of the packed arrays
    fit: Literal["squash", "crop", "pad"] = "squash"  # how other shapes become square
    max_rejects: Fraction = 0.01  # share of unreadable images that stops the run


class TextEncoder(Section):
    """A frozen text encoder: hub id or local folder."""

    model: str
    pooling: Literal["cls", "mean"]
    revision: str | None = None
    prompt: str = "{label}"

    @model_validator(mode="after")
    def mention_label(self) -> "TextEncoder":
        """Reject a prompt that would give all labels the same embedding."""
        if self.prompt.count("{") != 1 or self.prompt.count("}") != 1 or "{label}" not in self.prompt:
            raise ValueError("prompt must contain {label} and no other braces")
        return self


class ImageEncoder(Section):
    """A timm network: its name, its weights (hub: true, none: false, or a .safetensors file)."""

    model: str
    pretrained: Annotated[bool | str, BeforeValidator(_switch_or_file)]
    options: dict[str, Any] = Field({})  # further keyword arguments of timm.create_model


class QueryNetwork(Section):
    """The transformer decoder."""

    width: Count
    layers: Count
    heads: Count
    feedforward: Count
    dropout: Fraction = 0.1

    @model_validator(mode="after")
    def divide_width(self) -> "QueryNetwork":
        """Reject a width that the heads cannot share."""
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        return self


class Reweight(Section):
    """Loss weights from development AP."""

    ratio: Positive  # weight of the upweighted classes, in weights/main.json
    contrast_ratio: Positive  # the same, in weights/contrast.json
    base: Name  # the variant whose development AP decides
    rule: Literal["below_mean", "below_median", "bottom_k"]
    k: Count = 5  # for bottom_k


class Tta(Section):
    """Test-time augmentation: random views an image, probabilities averaged."""

    views: Count
    seed: Seed
    augment: Augment


class StudyLevel(Section):
    """Whether an image is scored with its own prediction or with that of its study."""

    aggregate: Literal["none", "mean", "view_weighted"] = "none"


class Ensemble(Section):
    """Choice of the models that each class averages."""

    top_k: Count
    prior_positives: Positive = 20.0  # shrunk: development positives at which the choice has half the say


class Bootstrap(Section):
    """Patient-level bootstrap behind every interval."""

    resamples: Annotated[int, Field(ge=100)]
    seed: Seed
    level: Annotated[Real, Field(gt=0.5, lt=1)] = 0.95


class Compute(Section):
    """Machine. The thread count changes the order of float sums, so it is part of the study."""

    threads: Count
    device: str = "auto"  # auto, cpu, cuda, cuda:1, …
    batch_size: Count = 128  # images a step at inference


class Launch(Section):
    """Prefixes of commands: python, or torchrun with its arguments."""

    train: str
    evaluate: str = "python"  # evaluate and tta


class Report(Section):
    """What the report may show."""

    title: str
    show_images: bool = False  # pictures of patients; for synthetic or public images only


class Variant(Section):
    """One training: a combination of the designs."""

    image: Name
    text: Name
    separate: bool
    weights: Literal["uniform", "main", "contrast"]
    mixup: bool
    data: Literal["primary", "replenished"]
    loss: LossSettings | None = None  # that of the study if absent


class Table1Row(Section):
    """A row of Table 1: a variant, with or without TTA, and the figure published for it."""

    variant: Name
    tta: bool
    published: Real | None = None

    @property
    def name(self) -> str:
        """Name of the row in table1.json."""
        return f"{self.variant}+tta" if self.tta else self.variant


class Table2Row(Section):
    """A row of Table 2: an ensemble, and the figure published for it."""

    method: Literal["model_wise", "class_wise", "bagged", "shrunk"]
    replenished: bool
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
    loss: LossSettings = Bce()
    reweight: Reweight
    tta: Tta
    study: StudyLevel = StudyLevel()
    ensemble: Ensemble
    bootstrap: Bootstrap
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

    def loss_of(self, variant: str) -> LossSettings:
        """The loss that a variant trains with: its own, or else that of the study."""
        return self.variants[variant].loss or self.loss
