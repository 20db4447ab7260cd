"""Normal gating: the more normal an image looks, the less probable each finding.

p_c becomes p_c (1 − p_normal)^power. What may be seen in an image without a finding, such as a support
device, is better spared, which the authors do not.

Cost: none.
Said to help: as a part of the winner of CXR-LT 2026.
Claimed: −0.010 to −0.046 mAP by another team (CXR-LT 2026, validation), github.com/nhan03bit/ISBI_2026.
"""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.designs.hooks import Probabilities
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import Positive, Section, usual

TITLE = "normal gating"
SOURCE = "hieuphamha19/CXR_LT, first on CXR-LT 2026, task 1"


class Settings(Section):
    """Which class says that nothing is there, and how much that counts."""

    normal: str = usual("No Finding")
    power: Positive = usual(1.0)
    spared: list[str] = usual([])  # classes that stay as they are


def cell(settings: Settings) -> str:
    """Return the power, and what is spared."""
    spared = f", not {', '.join(settings.spared)}" if settings.spared else ""
    return f"{settings.power:g}{spared}"


def classes(settings: Settings) -> dict[str, Sequence[str]]:
    """Return the classes that each setting names."""
    return {"normal": [settings.normal], "spared": settings.spared}


def probabilities(settings: Settings, classes: Sequence[str]) -> Probabilities:
    """Hold back all classes but the normal one and those spared; StudyError when there is no normal one."""
    if settings.normal not in classes:
        known = ", ".join(classes)
        raise StudyError(f"normal_gating.normal: {settings.normal!r} is no class of this study ({known})")
    normal = list(classes).index(settings.normal)
    gated = ~np.isin(classes, [settings.normal, *settings.spared])

    def gate(probabilities: np.ndarray) -> np.ndarray:
        abnormal = (1 - probabilities[:, [normal]]) ** settings.power
        return np.where(gated, probabilities * abnormal, probabilities).astype(probabilities.dtype)

    return gate
