"""A learning rate of the image encoder of its own: pretrained weights move less than what starts anew.

Cost: none.
Said to help: fine-tuning of pretrained networks.
Claimed: none known for this task.
"""

from cxrlt_core.designs.hooks import Context, Rate
from cxrlt_core.system.settings import Positive, Section, usual

TITLE = "encoder rate"
SOURCE = "discriminative fine-tuning, Howard and Ruder 2018, arXiv:1801.06146"


class Settings(Section):
    """How much less."""

    factor: Positive = usual(0.1)  # of train.learning_rate


def cell(settings: Settings) -> str:
    """Return the factor."""
    return f"×{settings.factor:g}"


def learning_rate(settings: Settings, context: Context) -> Rate:
    """Return the factor for the encoder's parameters."""
    return lambda name: settings.factor if name.startswith("encoder.") else 1.0
