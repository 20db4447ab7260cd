"""The development images by which a running training is looked at."""

import hashlib

import pandas as pd

MOST = 1000  # images, as far as whole patients allow


def monitored(development: pd.DataFrame) -> pd.DataFrame:
    """Choose a fixed sample of the development set: whole patients, in the order of a hash of their names.

    So it holds about the set's share of every class, and a patient more or less changes it little.

    Args:
        development: the set, with ``patient_id``.

    Returns:
        Its first patients, up to 1,000 images and one patient at least, in the set's order.
    """
    patients = development["patient_id"]
    images = patients.value_counts()
    order = sorted(images.index, key=lambda name: hashlib.sha256(str(name).encode()).digest())
    kept = images[order].cumsum() <= MOST
    return development[patients.isin(kept.index[kept].union(order[:1]))]
