"""How probabilities are read: a threshold a finding and one temperature, fitted on development data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrlt_core.system.rounding import or_none


@dataclass(frozen=True)
class OperatingPoint:
    """What development data say of probabilities.

    Attributes:
        thresholds: of each class, float64 (C,): at or above it a finding is present; NaN where unknown.
        temperature: divides the logits of all classes (Guo et al. 2017); None where unknown.
    """

    thresholds: np.ndarray
    temperature: float | None

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | None, classes: Sequence[str]) -> "OperatingPoint":
        """Read ``{"temperature": …, "thresholds": {class: …}}``; None knows nothing."""
        content = content or {"temperature": None, "thresholds": {}}
        limits = [content["thresholds"].get(name) for name in classes]
        return cls(np.array([np.nan if one is None else one for one in limits]), content["temperature"])

    def to_json(self, classes: Sequence[str]) -> dict[str, Any]:
        """Return what :meth:`from_json` reads."""
        limits = zip(classes, map(or_none, self.thresholds), strict=True)
        return {"temperature": self.temperature, "thresholds": dict(limits)}

    @property
    def known(self) -> bool:
        """Whether any class has a threshold."""
        return bool(np.isfinite(self.thresholds).any())

    def present(self, probabilities: np.ndarray) -> np.ndarray:
        """Say ``yes`` or ``no`` of probabilities (N, C), and nothing where no threshold is known."""
        said = np.where(probabilities >= self.thresholds.astype(np.float32), "yes", "no")
        return np.where(np.isnan(self.thresholds), "", said)

    def scaled(self, probabilities: np.ndarray) -> np.ndarray:
        """Divide the logits of probabilities (N, C) by the temperature; NaN where it is unknown."""
        exact = probabilities.astype(np.float64)
        if self.temperature is None:
            return np.full_like(exact, np.nan)
        with np.errstate(divide="ignore"):  # of a probability that float32 has rounded to 0 or 1
            logits = np.log(exact) - np.log1p(-exact)
        return 1 / (1 + np.exp(-logits / self.temperature))
