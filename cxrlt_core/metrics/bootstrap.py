"""Patient-level bootstrap: every row of a table is scored on the same resampled patients.

Images of one patient are not independent, so patients are drawn, with replacement, and each
brings all its images (cluster bootstrap, Efron and Tibshirani 1993).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

#: Weights of patients that are handled at once: they fit into the processor's cache, or keep a GPU busy.
AT_ONCE = {"cpu": 2**22, "cuda": 2**27}


@dataclass(frozen=True)
class PatientResamples:
    """How often each patient is drawn in each of B resamples."""

    counts: np.ndarray  # uint8 (P, B)
    patient: np.ndarray  # of each image, int64 (N,)

    def __len__(self) -> int:
        """Return the number of resamples B."""
        return self.counts.shape[1]

    def first(self, count: int) -> "PatientResamples":
        """Return the first resamples, or all if there are fewer."""
        return PatientResamples(self.counts[:, :count], self.patient)

    def with_original(self) -> "PatientResamples":
        """Return the set itself, in which every patient counts once, and then these resamples."""
        return PatientResamples(np.insert(self.counts, 0, 1, axis=1), self.patient)

    def chunks(self, device: torch.device) -> Iterator[Tensor]:
        """Yield some resamples at a time, as weights of the patients, float32 (P, b)."""
        patients = max(len(self.counts), 1)
        step = max(8, AT_ONCE.get(device.type, AT_ONCE["cpu"]) // patients)
        for start in range(0, len(self), step):
            part = np.ascontiguousarray(self.counts[:, start : start + step])
            yield torch.from_numpy(part).to(device).float()


def resample_patients(patients: Sequence[str], resamples: int, seed: int) -> PatientResamples:
    """Draw the patients of the images, (N,), with replacement, B times."""
    names, patient = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = np.empty((len(names), resamples), np.uint8)
    for b in range(resamples):
        drawn = generator.integers(len(names), size=len(names))
        counts[:, b] = np.bincount(drawn, minlength=len(names))
    return PatientResamples(counts, patient)


def centred(samples: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of resamples along an axis, which keeps a length of 1, NaN without any; and deviations from it.

    Where a resample leaves a class undefined (NaN), the class deviates by 0: with the others alone a mean
    over classes would be one over other classes.
    """
    defined = np.isfinite(samples)
    counts = defined.sum(axis=axis, keepdims=True)
    total = np.where(defined, samples, 0.0).sum(axis=axis, keepdims=True)
    mean = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return mean, np.where(defined, samples - mean, 0.0)


def every_image_once(images: int) -> PatientResamples:
    """Return the one draw that leaves a set of images as it is, all of them of one patient."""
    return PatientResamples(np.ones((1, 1), np.uint8), np.zeros(images, np.int64))
