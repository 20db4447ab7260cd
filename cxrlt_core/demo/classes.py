"""The classes that the demo draws: those of CXR-LT 2023, in its order."""

from cxrlt_core.labels import TRAINING_POSITIVES

CLASSES: tuple[str, ...] = tuple(TRAINING_POSITIVES)
