"""What a loss is: a function of logits and partial labels, and the settings that params.yaml gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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

        Args:
            logits: z, float32 (B, C).
            targets: y: 1, 0 or -1 (unknown); int8 (B, C).
            class_weights: w, float32 (C,).
            image_weights: v, float32 (B,), 1 if absent.

        Returns:
            Two float32 scalars on the device of the logits.
        """
        ...
