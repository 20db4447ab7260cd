"""Losses over partial labels: unknown ones neither reward nor punish. One file a loss."""

from functools import partial
from typing import Protocol

import numpy as np
from torch import Tensor

from cxrlt_core.losses.asl import asl
from cxrlt_core.losses.bce import bce
from cxrlt_core.losses.class_balanced import BalancedBce, balance
from cxrlt_core.losses.focal import focal
from cxrlt_core.losses.masking import mean_loss
from cxrlt_core.params.training import Asl, Bce, ClassBalanced, Focal, LossSettings

__all__ = ["Loss", "build_loss", "mean_loss"]


class Loss(Protocol):
    """Two sums over a batch: of the weighted losses of the known labels, and of their weights.

    The caller divides (:func:`mean_loss`): with partial labels a mean over all entries would shrink
    with the share of unknown ones.
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


def build_loss(settings: LossSettings, targets: np.ndarray) -> Loss:
    """Make the loss that the settings name.

    Args:
        settings: from :meth:`cxrlt_core.params.schema.Params.loss_of`.
        targets: labels of the training set, 1, 0 or -1; int8 (N, C). Only class_balanced counts them.
    """
    match settings:
        case Bce():
            return bce
        case Focal():
            return partial(focal, gamma=settings.gamma, alpha=settings.alpha)
        case Asl():
            focus = {"gamma_pos": settings.gamma_pos, "gamma_neg": settings.gamma_neg}
            return partial(asl, **focus, clip=settings.clip)
        case ClassBalanced():
            return BalancedBce(balance(targets, settings.beta))
