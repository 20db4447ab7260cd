"""Average precision of one set at the prevalence of another.

AP moves with prevalence: its chance level is the share of positives. With t and f the positives and the
negatives down to the end of a tie group, P and N all of them and q the other prevalence, a positive weighs
r = q / (1 - q) · N / P negatives, and AP is the mean over the positives of r t / (r t + f): AP weighted to
the other prevalence, as if so many more, or fewer, of the same positives had been there.
"""

from collections.abc import Sequence

import numpy as np
import torch

from cxrlt_core.metrics.bootstrap import PatientResamples
from cxrlt_core.metrics.ranking import matched_ap, rank
from cxrlt_core.metrics.scores import CPU
from cxrlt_core.system.threads import in_threads


def resample_matched(
    targets: np.ndarray,
    scores: np.ndarray,
    prevalence: np.ndarray | Sequence[float],
    resamples: PatientResamples,
    device: torch.device = CPU,
) -> np.ndarray:
    """Average precision at a prevalence of each class, in every of B resamples; float64 (B, C).

    Takes int targets (N, C), -1 unknown, scores (N, C), and the prevalence to match, (C,). NaN where a
    resample leaves a class undefined, or the prevalence is not between 0 and 1.
    """
    chunks = list(resamples.chunks(device))

    def of_class(column: tuple[np.ndarray, np.ndarray, float]) -> np.ndarray:
        target, score, share = column
        ranking = rank(target, score, resamples.patient, device)
        if ranking is None or not 0 < share < 1:
            return np.full(len(resamples), np.nan)
        return torch.cat([matched_ap(ranking, weights, share) for weights in chunks]).cpu().numpy()

    return np.stack(in_threads(of_class, zip(targets.T, scores.T, prevalence, strict=True)), axis=-1)
