"""Label smoothing: no label is taken for certain.

A label is taken for its opposite with probability ε / 2: the share ε is spread over both, as the paper
spreads it over all classes. Of binary cross-entropy that is the loss of a label of 1 − ε / 2 or ε / 2; any
other loss of labels is smoothed alike. Unknown labels stay unknown.

Cost: a second look at the logits.
Said to help: noisy labels and calibration.
Claimed: none known for this task; +0.002 accuracy on ImageNet, arXiv:1512.00567.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from cxrlt_core.designs import hooks
from cxrlt_core.designs.hooks import Context, Labels, Objective
from cxrlt_core.labels import UNKNOWN
from cxrlt_core.system.settings import Real, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor

TITLE = "label smoothing"
SOURCE = "Szegedy et al. 2016, arXiv:1512.00567"


class Settings(Section):
    """How uncertain a label is."""

    epsilon: Annotated[Real, Field(gt=0, lt=1)] = usual(0.1)  # ε


def cell(settings: Settings) -> str:
    """Return ε."""
    return f"{settings.epsilon:g}"


def loss(settings: Settings, context: Context) -> hooks.Loss:
    """Add to the loss of the labels that of their opposites."""
    share = settings.epsilon / 2

    def smoothed(objective: Objective) -> Objective:
        def sums(logits: Tensor, labels: Labels, class_weights: Tensor) -> tuple[Tensor, Tensor]:
            losses, weight = objective(logits, labels, class_weights)
            opposite, _ = objective(logits, opposites(labels), class_weights)
            return (1 - share) * losses + share * opposite, weight

        return sums

    return smoothed


def opposites(labels: Labels) -> Labels:
    """Turn positive labels into negative ones and the other way, those of partners, too."""

    def flip(targets: Tensor) -> Tensor:
        return (1 - targets).masked_fill(targets == UNKNOWN, UNKNOWN)

    partners = None if labels.partners is None else flip(labels.partners)
    return replace(labels, targets=flip(labels.targets), partners=partners)
