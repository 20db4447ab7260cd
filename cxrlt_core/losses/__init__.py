"""Losses over partial labels: unknown ones neither reward nor punish.

A kind of loss is one module of its name in this package, which offers what :class:`Kind` says;
``losses`` in params.yaml gives it settings and a name. docs/add-a-loss.md walks through one.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

import numpy as np

from cxrlt_core.losses.base import Loss, LossSettings, mean_loss
from cxrlt_core.system.errors import StudyError

__all__ = ["Kind", "Loss", "LossSettings", "build_loss", "find_kind", "kinds", "mean_loss"]


class Kind(Protocol):
    """What the module of a kind offers. It must not import torch before a loss is built."""

    Settings: type[LossSettings]  # the keys of its entries in params.yaml

    def build(self, settings: LossSettings, targets: np.ndarray) -> Loss:
        """Make the loss, from its settings and the labels of the training set."""
        ...


def kinds() -> list[str]:
    """Return the kinds that ``losses`` may use."""
    return sorted(module.name for module in iter_modules(__path__) if module.name != "base")


def find_kind(name: str) -> Kind:
    """Return the module of a kind; StudyError when there is none of that name."""
    if name not in kinds():
        raise StudyError(f"unknown kind {name!r}, expected {', '.join(kinds())}")
    return import_module(f"{__name__}.{name}")


def build_loss(settings: LossSettings, targets: np.ndarray) -> Loss:
    """Make the loss that settings describe; only class_balanced counts the training labels, int8 (N, C)."""
    return find_kind(settings.kind).build(settings, targets)
