"""Freezing: the image encoder, or all but the head, stays as pretraining, or ``init``, left it.

With ``representation`` only the last layer is trained (of a design's own head, all of it). From the weights
of another variant and on class-aware samples this is classifier re-training, cRT. The paper starts the
classifier anew; a linear one on fixed features, trained long enough, ends in the same place.

Cost: less than without, the less is trained.
Said to help: little data; with class-aware samples, long tails.
Claimed: none known for this task; of cRT, see class-aware.
"""

from typing import Literal

from cxrlt_core.designs.hooks import Context, Rate
from cxrlt_core.system.settings import Section, usual

TITLE = "frozen"
SOURCE = "Kornblith et al. 2019, arXiv:1805.08974; cRT: Kang et al. 2020, arXiv:1910.09217"
EXCLUDES = {"encoder_rate": "what is frozen has no learning rate"}


class Settings(Section):
    """What stays."""

    part: Literal["encoder", "representation"] = usual("encoder")  # its batch statistics, too


def cell(settings: Settings) -> str:
    """Return what stays."""
    return settings.part


def learning_rate(settings: Settings, context: Context) -> Rate:
    """Return 0 for what is frozen."""
    frozen = {"encoder": ("encoder.",), "representation": ("encoder.", "queries.")}[settings.part]
    return lambda name: 0.0 if name.startswith(frozen) else 1.0
