"""Sections of params.yaml for tests: what each key usually holds, with some keys changed."""

from functools import partial
from typing import Any, TypeVar

from cxrlt_core.batches.augment import Augment
from cxrlt_core.designs import find_design
from cxrlt_core.losses import LossSettings, find_kind
from cxrlt_core.study.explain import usual_value
from cxrlt_core.system.settings import Section

S = TypeVar("S", bound=Section)


def usual(section: type[S], **changes: Any) -> S:
    """Make a section of which only some keys matter: ``usual(Tta, views=3)``."""
    required = {name: field for name, field in section.model_fields.items() if field.is_required()}
    values = {name: usual_value(field) for name, field in required.items()}
    return section(**values | changes)


def loss(kind: str, **changes: Any) -> LossSettings:
    """Make the settings of a loss: ``loss("focal", gamma=1)``."""
    return usual(find_kind(kind).Settings, kind=kind, **changes)


#: Random transforms: ``augment(rotate=5)`` draws nothing but rotations.
augment = partial(usual, Augment)

#: The designs of a training with MixUp.
MIXUP = {"mixup": find_design("mixup").Settings(alpha=0.5)}
