"""What of an external set has been seen: images of the same patient, or with the same pixels."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

KEYS = ("patient_id", "picture")


def seen_images(images: pd.DataFrame, sets: Iterable[pd.DataFrame]) -> np.ndarray:
    """Say which images are of a patient, or have the pixels of an image, in any of some sets, bool (N,).

    Tables have ``patient_id``, which is the same in the same hospital alone, and ``picture``, a digest of the
    pixels; null equals nothing. A copy that was cropped or encoded again is not found.
    """
    seen = np.zeros(len(images), bool)
    for known in sets:
        for key in KEYS:
            seen |= images[key].isin(known[key].dropna()).to_numpy()
    return seen
