"""The probability that a new training of one design beats a new one of another (Bouthillier et al. 2021)."""

import numpy as np
from scipy.special import ndtr, ndtri

from cxrlt_core.evidence.estimator import Estimate


def probability_of_improvement(gap: Estimate, level: float) -> tuple[float, float, float]:
    """Estimate P(a new training of B scores above a new one of A) on the same patients.

    New trainings differ by D ~ N(δ, s²), where s² is what seeds add to a single difference: P = Φ(δ / s). The
    interval is that of δ / s, from the error of δ and, by the delta method, from the few degrees of freedom
    of s. ``gap`` is B minus A. Returns point, low and high; NaN where training noise was not measured or is
    0. Bouthillier et al. 2021, arXiv:2103.03098.
    """
    if gap.parts is None or not gap.parts.seed_variance > 0:
        return np.nan, np.nan, np.nan
    spread = np.sqrt(gap.parts.seed_variance)
    effect = gap.point / spread
    error = np.hypot(gap.std_error / spread, effect / np.sqrt(2 * gap.parts.dof))
    half = ndtri(1 - (1 - level) / 2) * error
    point, low, high = (float(ndtr(value)) for value in (effect, effect - half, effect + half))
    return point, low, high
