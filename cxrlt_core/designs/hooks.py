"""What hooks get and return. A batch meets them in the order of :data:`cxrlt_core.designs.HOOKS`.

Shapes: N images of the training set, B of a batch, b of them on one process and in one part, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True)
class Context:
    """What the hooks of a training may know: hooks without a type of their own get this.

    Attributes:
        targets: of the training set: 1, 0 or -1; int8 (N, C).
        classes: names of the C classes.
        steps: of the whole run.
        steps_per_epoch: of each epoch.
        device: to train on.
    """

    targets: np.ndarray
    classes: Sequence[str]
    steps: int
    steps_per_epoch: int
    device: torch.device


@dataclass(frozen=True)
class NetworkShape:
    """What the hooks ``head`` and ``classifier`` may know; ``encoder`` gets the encoder itself.

    Attributes:
        token_width: of the image tokens (B, T, token_width) that a head turns into logits (B, C).
        feature_width: of the label features (B, C, feature_width) that a classifier turns into logits (B, C).
        prior_logits: of each class's share of positives, float32 (C,): where an untrained model should start.
    """

    token_width: int
    feature_width: int
    prior_logits: Tensor


@dataclass(frozen=True)
class Drawn:
    """What ``draw`` returns for a batch.

    Attributes:
        values: name to the numbers of each image, (B, …).
        partner: place in the batch of the image that each is blended with, int64 (B,); None without blending.
    """

    values: Mapping[str, Tensor] = field(default_factory=dict)
    partner: np.ndarray | None = None


@dataclass(frozen=True)
class Labels:
    """Labels of images, and what was drawn for them.

    Attributes:
        targets: 1, 0 or -1 (unknown); int8 (b, C).
        partners: targets of the images that they are blended with, int8 (b, C).
        values: what ``draw`` drew, by name, (b, …).
        weights: of the images in the loss, float32 (b,); 1 if absent.
    """

    targets: Tensor
    partners: Tensor | None = None
    values: Mapping[str, Tensor] = field(default_factory=dict)
    weights: Tensor | None = None

    def split(self, parts: int) -> list[Labels]:
        """Cut along the images."""
        cut = {name: value.tensor_split(parts) for name, value in self.values.items()}
        partners = [None] * parts if self.partners is None else self.partners.tensor_split(parts)
        return [
            Labels(targets, partners[n], {name: value[n] for name, value in cut.items()})
            for n, targets in enumerate(self.targets.tensor_split(parts))
        ]

    def weighted(self, targets: Tensor, weights: Tensor) -> Labels:
        """Return other targets for the images, whose weights are multiplied by (b,)."""
        own = weights if self.weights is None else self.weights * weights
        return replace(self, targets=targets, weights=own)


class Objective(Protocol):
    """The loss of a batch, as two sums (see ``losses.Loss``); ``loss`` turns one into another."""

    def __call__(self, logits: Tensor, labels: Labels, class_weights: Tensor) -> tuple[Tensor, Tensor]:
        """Sum the losses and the weights of the labels.

        Args:
            logits: what ``forward`` returned, float32 (b, C), or (passes, b, C) of several passes.
            labels: of b images.
            class_weights: float32 (C,).
        """
        ...


#: ``order``: positions of the N images of an epoch, int64 (N,).
Order = Callable[[np.random.Generator], np.ndarray]
#: ``draw``: for the positions of a batch, int64 (B,).
Draw = Callable[[np.ndarray, np.random.Generator], Drawn]
#: ``inputs``: images float32 (b, 1, H, W), those they are blended with, and what was drawn.
Inputs = Callable[["Tensor", "Tensor | None", Mapping[str, "Tensor"]], "Tensor"]
#: ``forward``: calls the network on images (b, 1, H, W).
Forward = Callable[[Callable[["Tensor"], "Tensor"], "Tensor"], "Tensor"]
#: ``class_weights``: float32 (C,) and the epoch, from 0.
ClassWeights = Callable[["Tensor", int], "Tensor"]
#: ``loss``: an objective in place of another.
Loss = Callable[[Objective], Objective]
#: ``learning_rate``: of a parameter by its name, as a factor.
Rate = Callable[[str], float]
#: ``step``: parameters; what computes their gradients and returns the loss; what moves them along these.
Step = Callable[["Sequence[nn.Parameter]", Callable[[], "Tensor"], Callable[[], None]], "Tensor"]
#: ``average``: moves the averages towards the parameters, in place, after a step counted from 0.
Average = Callable[["list[Tensor]", "list[Tensor]", int], None]
#: ``probabilities``: float32 (n, C) to the same.
Probabilities = Callable[[np.ndarray], np.ndarray]
