"""The three states of a label, and what is said of labels whatever the label space."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

POSITIVE, NEGATIVE, UNKNOWN = 1, 0, -1

#: Columns of label tables and sets that are no classes; all others are.
RECORD = (
    *("image_id", "patient_id", "study_id", "view", "path", "split"),  # of every label table
    *("row", "digest", "picture", "source"),  # of images that are packed, and sets
)

#: Images in the training set of CXR-LT 2023 (Holste et al. 2023), which published tables are of.
TRAINING_IMAGES = 264_849

#: Training positives of CXR-LT 2023 per class, in label-space order.
TRAINING_POSITIVES: Mapping[str, int] = {
    "Atelectasis": 67_597,
    "Calcification of the Aorta": 4_361,
    "Cardiomegaly": 76_900,
    "Consolidation": 16_038,
    "Edema": 38_574,
    "Emphysema": 4_255,
    "Enlarged Cardiomediastinum": 30_119,
    "Fibrosis": 1_158,
    "Fracture": 11_883,
    "Hernia": 4_049,
    "Infiltration": 10_218,
    "Lung Lesion": 2_533,
    "Lung Opacity": 79_931,
    "Mass": 5_529,
    "No Finding": 41_869,
    "Nodule": 7_663,
    "Pleural Effusion": 69_240,
    "Pleural Other": 675,
    "Pleural Thickening": 3_369,
    "Pneumomediastinum": 788,
    "Pneumonia": 48_093,
    "Pneumoperitoneum": 543,
    "Pneumothorax": 14_983,
    "Subcutaneous Emphysema": 2_453,
    "Support Devices": 89_140,
    "Tortuous Aorta": 3_499,
}

GROUPS = ("head", "medium", "tail")


def classes_in(columns: Iterable[str]) -> list[str]:
    """Return the columns of a label table or set that are classes, in its order: that of the label space."""
    return [name for name in columns if name not in RECORD]


def spelling(name: str) -> str:
    """Return a class name as it is compared: case, underscores and surplus blanks do not count."""
    return " ".join(name.casefold().replace("_", " ").split())


def group_classes(prevalence: Mapping[str, float], head: float, tail: float) -> dict[str, str]:
    """Sort classes into head, medium and tail by their prevalence in the training set.

    Args:
        prevalence: share of positives among the known labels of each class, 0 to 1.
        head: a class at or above this prevalence is a head class.
        tail: a class below this prevalence is a tail class.

    Returns:
        Class name to ``"head"``, ``"medium"`` or ``"tail"``. A class without a known label
        (prevalence NaN) is a tail class.
    """

    def group(share: float) -> str:
        if share >= head:
            return "head"
        return "medium" if share >= tail else "tail"

    return {name: group(share) for name, share in prevalence.items()}


def count_labels(table: "pd.DataFrame", classes: Sequence[str]) -> dict:
    """Count the images, patients and studies of a label table, and the labels of each class by state.

    Returns:
        ``{"images", "patients", "studies", "classes": {class: {"positive", "negative", "unknown"}}}``.
    """
    states = {"positive": POSITIVE, "negative": NEGATIVE, "unknown": UNKNOWN}
    return {
        "images": len(table),
        "patients": table["patient_id"].nunique(),
        "studies": table["study_id"].nunique(),
        "classes": {
            name: {state: int((table[name] == value).sum()) for state, value in states.items()}
            for name in classes
        },
    }
