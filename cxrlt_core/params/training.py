"""The parameters of training: optimisation, transforms, MixUp and losses."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cxrlt_core.params.types import Count, Fraction, NotNegative, Positive, Real, Section, Seed


class Augment(Section):
    """Ranges of the random transforms; every image draws its own."""

    rotate: NotNegative = 0.0  # degrees, either way
    shift: Fraction = 0.0  # share of the image side, either way
    scale: Fraction = 0.0  # relative change, either way
    brightness: NotNegative = 0.0  # in units of the normalised image's standard deviation
    contrast: Fraction = 0.0  # relative change, either way
    gamma: NotNegative = 0.0  # pixels to a power of up to 1 + gamma, or down to its inverse
    erase: Fraction = 0.0  # share of the images that lose a rectangle
    flip: bool = False  # mirror half of the images; the heart then lies on the right


class Train(Section):
    """Optimisation."""

    epochs: Count | None = None  # length of a run: so many epochs,
    steps: Count | None = None  # or so many optimiser steps
    batch_size: Annotated[int, Field(ge=2)]  # images a step, over all processes
    seeds: Annotated[list[Seed], Field(min_length=1)]
    learning_rate: Positive
    weight_decay: NotNegative
    warmup: Fraction = 0.1  # share of the steps
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    augment: Augment = Augment()
    accumulate: Count = 1  # parts that a batch passes the network in, to save memory
    clip: Positive | None = None  # largest norm of the gradient
    ema: Annotated[Real, Field(gt=0, lt=1)] | None = None  # decay of the averaged weights that are saved
    compile: bool = False
    resident: Literal["auto", "always", "never"] = "auto"  # images in the device's memory
    sync_batchnorm: bool = False  # batch statistics over all processes
    checkpoint_minutes: Positive = 10.0

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

    alpha: Positive


class Bce(Section):
    """Binary cross-entropy."""

    name: Literal["bce"] = "bce"


class Focal(Section):
    """Focal loss (Lin et al. 2017)."""

    name: Literal["focal"] = "focal"
    gamma: NotNegative = 2.0
    alpha: Annotated[Real, Field(gt=0, lt=1)] | None = None  # weight of positives; of negatives 1 - alpha


class Asl(Section):
    """Asymmetric loss (Ridnik et al. 2021)."""

    name: Literal["asl"] = "asl"
    gamma_pos: NotNegative = 0.0
    gamma_neg: NotNegative = 4.0
    clip: Fraction = 0.05  # probability below which a negative costs nothing


class ClassBalanced(Section):
    """Class-balanced binary cross-entropy (Cui et al. 2019)."""

    name: Literal["class_balanced"] = "class_balanced"
    beta: Fraction = 0.9999


LossSettings = Annotated[Bce | Focal | Asl | ClassBalanced, Field(discriminator="name")]
