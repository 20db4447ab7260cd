"""What a loss is, the settings that params.yaml gives it, and what all share: unknown labels are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cxrlt_core.labels import UNKNOWN
from cxrlt_core.system.settings import Section, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


class LossSettings(Section):
    """An entry of ``losses``; each kind adds its own keys."""

    kind: str = usual("bce")


class Loss(Protocol):
    """Two sums over a batch: of the weighted losses of the known labels, and of their weights.

    The caller divides (:func:`cxrlt_core.losses.mean_loss`): with partial labels a mean over all entries
    would shrink with the share of unknown ones.
    """

    def __call__(
        self, logits: Tensor, targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sum Σ m_ic w_c v_i L(z_ic, y_ic) and Σ m_ic w_c v_i, with m_ic = 1 where the label is known.

        Takes z, float32 (B, C); y, 1, 0 or -1 (unknown), int8 (B, C); w, float32 (C,); and v, float32 (B,),
        1 if absent. Returns two float32 scalars on the device of the logits.
        """
        ...


def label_weights(targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None) -> Tensor:
    """Weight of each label in the loss, float32 (B, C): m_ic w_c v_i, with m_ic = 1 where known, else 0.

    Takes int8 targets (B, C), w, float32 (C,), and v, float32 (B,), 1 if absent.
    """
    weights = (targets != UNKNOWN) * class_weights
    return weights if image_weights is None else weights * image_weights[:, None]


def mean_loss(losses: Tensor, weights: Tensor) -> Tensor:
    """Divide the sum of losses by the sum of weights; 0 when no label in the batch is known."""
    return losses / weights.clamp(min=1e-6)
