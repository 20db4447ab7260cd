"""The parameters of training: optimisation, transforms, MixUp and losses."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from cxrlt_core.losses import LossSettings, find_kind
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import (
    MOST,
    Count,
    Fraction,
    NotNegative,
    Positive,
    Real,
    Section,
    Seed,
    usual,
)


class Augment(Section):
    """Ranges of the random transforms; every image draws its own."""

    rotate: NotNegative = usual(0)  # degrees, either way
    shift: Fraction = usual(0)  # share of the image side, either way
    scale: Fraction = usual(0)  # relative change, either way
    brightness: NotNegative = usual(0)  # in units of the normalised image's standard deviation
    contrast: Fraction = usual(0)  # relative change, either way
    gamma: NotNegative = usual(0)  # pixels to a power of up to 1 + gamma, or down to its inverse
    erase: Fraction = usual(0)  # share of the images that lose a rectangle
    flip: bool = usual(False)  # mirror half of the images; the heart then lies on the right


class Train(Section):
    """Optimisation."""

    epochs: Count | None = usual(8)  # length of a run: so many epochs,
    steps: Annotated[int, Field(ge=1, le=10**9)] | None = usual(None)  # or so many optimiser steps
    batch_size: Annotated[int, Field(ge=2, le=MOST)] = usual(32)  # images a step, over all processes
    seeds: Annotated[list[Seed], Field(min_length=1)] = usual([0])  # each variant is trained once per seed
    learning_rate: Positive = usual(0.001)
    weight_decay: NotNegative = usual(0.01)
    warmup: Fraction = usual(0.1)  # share of the steps
    precision: Literal["auto", "bf16", "fp32"] = usual("auto")
    augment: Augment
    accumulate: Count = usual(1)  # parts that a batch passes the network in, to save memory
    clip: Positive | None = usual(None)  # largest norm of the gradient
    ema: Annotated[Real, Field(gt=0, lt=1)] | None = usual(None)  # decay of averaged weights, which are saved
    compile: bool = usual(False)
    resident: Literal["auto", "always", "never"] = usual("auto")  # images in the device's memory
    sync_batchnorm: bool = usual(False)  # batch statistics over all processes
    checkpoint_minutes: Positive = usual(10)
    monitor: Annotated[int, Field(ge=0, le=MOST)] = usual(1)  # epochs between two looks at dev; 0: none

    @model_validator(mode="after")
    def one_length(self) -> "Train":
        """Reject two lengths and none."""
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("expected one of epochs and steps")
        return self

    @model_validator(mode="after")
    def different_seeds(self) -> "Train":
        """Reject a seed that is named twice: it would count as two."""
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds must differ from each other")
        return self


class Mixup(Section):
    """MixUp: the mixing share is drawn from Beta(alpha, alpha)."""

    alpha: Positive = usual(0.2)


def _of_its_kind(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    if "kind" not in entry:
        return {}  # the kind is missing; without it no other key can be judged
    try:
        kind = find_kind(entry["kind"])
    except StudyError as error:
        problem = PydanticCustomError("unknown_kind", "{reason}", {"reason": str(error)})
        place: InitErrorDetails = {"type": problem, "loc": ("kind",), "input": entry["kind"]}
        raise ValidationError.from_exception_data("loss", [place]) from None
    return kind.Settings.model_validate(entry)


#: An entry of ``losses``: the settings class of its kind.
LossEntry = Annotated[SerializeAsAny[LossSettings], BeforeValidator(_of_its_kind)]
