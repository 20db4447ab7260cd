"""The study's parameters: params.yaml validated once into frozen, typed objects.

An unknown key, a wrong type or a value out of range raises :class:`StudyError` with one line per
problem, each naming the key.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    model_validator,
)

from cxrlt_core.errors import StudyError


def _no_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("input should be a number")
    return value


def _switch_or_file(value: Any) -> Any:
    if not isinstance(value, bool | str):
        raise ValueError("input should be true, false or a .safetensors file")
    return value


# YAML 1.1 reads 2e-3 as a string; a Real accepts it.
Real = Annotated[float, Strict(False), AllowInfNan(False), BeforeValidator(_no_switch)]
Positive = Annotated[Real, Field(gt=0)]
NotNegative = Annotated[Real, Field(ge=0)]
Fraction = Annotated[Real, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class Section(BaseModel):
    """A part of params.yaml: frozen, strictly typed, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


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


class Source(Section):
    """Where one data set lies on disk, and how its labels are read."""

    labels: str  # file or folder with the label files
    images: str  # folder that the paths in the label files are relative to
    test_list: str | None = None  # NIH: official list of test images
    uncertain: Literal["ignore", "zero", "one"] = "ignore"  # CheXpert: what -1 becomes


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
    groups: Groups = Groups(head=0.1, tail=0.01)


class Image(Section):
    """Packed images: square, grey, uint8."""

    size: Annotated[int, Field(ge=16)]  # pixels
    store: str  # folder of the packed arrays
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
    options: dict[str, Any] = {}  # further keyword arguments of timm.create_model


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


class Augment(Section):
    """Ranges of the random transforms; every image draws its own."""

    rotate: NotNegative = 0.0  # degrees, either way
    shift: Fraction = 0.0  # share of the image side, either way
    scale: Fraction = 0.0  # relative change, either way
    brightness: NotNegative = 0.0  # in units of the normalised image's standard deviation
    contrast: Fraction = 0.0  # relative change, either way
    flip: bool = False  # mirror half of the images; the heart then lies on the right


class Train(Section):
    """Optimisation."""

    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    learning_rate: Positive
    weight_decay: NotNegative
    warmup: Fraction = 0.1  # share of the steps
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    augment: Augment = Augment()

    @model_validator(mode="after")
    def one_seed(self) -> "Train":
        """Reject several seeds, which the tables cannot average yet."""
        if len(self.seeds) != 1:
            raise ValueError("seeds takes one seed so far; run the study once per seed")
        return self


class Mixup(Section):
    """MixUp: the mixing share is drawn from Beta(alpha, alpha)."""

    alpha: Positive


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


class Ensemble(Section):
    """Class-wise ensemble: how many models each class averages."""

    top_k: Count


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
    """Prefix of the training command."""

    train: str


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

    method: Literal["model_wise", "class_wise"]
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
    reweight: Reweight
    tta: Tta
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


def parse_params(content: Any, file: str = "params.yaml") -> Params:
    """Validate the content of a params file.

    Args:
        content: what YAML gave.
        file: its name, for messages.

    Raises:
        StudyError: with one line per problem, each naming the file and the key.
    """
    if not isinstance(content, dict):
        raise StudyError(f"{file}: expected a mapping of sections, found {type(content).__name__}")
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise StudyError("\n".join(f"{file}: {_line(e)}" for e in error.errors())) from None
    problems = list(_dangling_names(params))
    if problems:
        raise StudyError("\n".join(f"{file}: {problem}" for problem in problems))
    return params


def _line(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if error["type"] == "missing":
        return f"{key}: missing key"
    message = error["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    value = error["input"]
    shown = "" if isinstance(value, dict | list) else f", found {value!r}"
    return f"{key}: {message}{shown}"


def _dangling_names(params: Params) -> Any:
    """Yield a line for each name that is used but not defined."""

    def check(key: str, name: str, known: Any, section: str) -> Any:
        if name not in known:
            yield f"{key}: {name!r} is not in {section} ({', '.join(known) or 'empty'})"

    yield from check("data.primary", params.data.primary, params.data.sources, "data.sources")
    for position, name in enumerate(params.data.extra):
        yield from check(f"data.extra.{position}", name, params.data.sources, "data.sources")
    if len(set(params.used_sources)) != len(params.used_sources):
        yield "data.extra: a source may be used once, and the primary one not as an extra"
    for name, variant in params.variants.items():
        at = f"variants.{name}"
        yield from check(f"{at}.image", variant.image, params.image_encoders, "image_encoders")
        yield from check(f"{at}.text", variant.text, params.text_encoders, "text_encoders")
        if variant.data == "replenished" and not params.data.extra:
            yield f"{at}.data: 'replenished' needs a source in data.extra, which is empty"
    for position, row in enumerate(params.table1):
        yield from check(f"table1.{position}.variant", row.variant, params.variants, "variants")
    for table in ("table1", "table2"):
        names = [row.name for row in getattr(params, table)]
        yield from (f"{table}: row {name} stands twice" for name in set(names) if names.count(name) > 1)
    yield from check("reweight.base", params.reweight.base, params.variants, "variants")
    base = params.variants.get(params.reweight.base)
    if base and base.weights != "uniform":
        yield f"reweight.base: {params.reweight.base!r} must itself train with weights: uniform"
    if not any(v.data == "primary" for v in params.variants.values()):
        yield "variants: at least one must train on data: primary"
    replenished = any(v.data == "replenished" for v in params.variants.values())
    for position, row in enumerate(params.table2):
        if row.replenished and not replenished:
            yield f"table2.{position}.replenished: no variant trains on data: replenished"
