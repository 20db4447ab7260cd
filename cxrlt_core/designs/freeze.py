"""Freezing: the image encoder stays as its pretrained weights, or those of ``init``, left it."""

from typing import Literal

from cxrlt_core.designs.hooks import Context, Rate
from cxrlt_core.system.settings import Section, usual

TITLE = "frozen"
SOURCE = "linear probing, as in Kornblith et al. 2019, arXiv:1805.08974"
EXCLUDES = {"encoder_rate": "what is frozen has no learning rate"}


class Settings(Section):
    """What stays."""

    part: Literal["encoder"] = usual("encoder")  # its batch statistics, too


def cell(settings: Settings) -> str:
    """Return what stays."""
    return settings.part


def learning_rate(settings: Settings, context: Context) -> Rate:
    """Return 0 for what is frozen."""
    return lambda name: 0.0 if name.startswith(f"{settings.part}.") else 1.0
