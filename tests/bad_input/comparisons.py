"""Files of labels and predictions that are compared, and options of ``cxrlt compare``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from cxrlt.compare import systems_of
from cxrlt_core.evidence.comparison import find_metric
from cxrlt_core.evidence.system_files import read_labels, read_system

Attempt = Callable[[], object]
LABELS = "image,patient,Edema,Mass\na,p,1,0\nb,q,0,\n"
PREDICTIONS = "image,Edema,Mass\nb,0.2,0.4\na,0.1,0.3\n"


def labels(text: str) -> None:
    """Read a label file."""
    Path("labels.csv").write_text(text)
    read_labels("labels.csv")


def raw(content: bytes) -> None:
    """Read labels from bytes."""
    Path("labels.csv").write_bytes(content)
    read_labels("labels.csv")


def predictions(text: str, logits: bool = False) -> None:
    """Read a file of predictions of two images and classes."""
    Path("labels.csv").write_text(LABELS)
    Path("a.csv").write_text(text)
    read_system(["a.csv"], read_labels("labels.csv"), logits)


def parquet(content: bytes | pd.DataFrame) -> None:
    """Read labels from a Parquet file."""
    if isinstance(content, bytes):
        Path("labels.parquet").write_bytes(content)
    else:
        content.to_parquet("labels.parquet")
    read_labels("labels.parquet")


def swapped(old: str, new: str, logits: bool = False) -> Attempt:
    """Read predictions with something in place of something."""
    return partial(predictions, PREDICTIONS.replace(old, new), logits)


def swapped_labels(old: str, new: str) -> Attempt:
    """Read labels with something in place of something."""
    return partial(labels, LABELS.replace(old, new))


ATTEMPTS: dict[str, Attempt] = {
    "no label file": lambda: read_labels("labels.csv"),
    "an empty label file": partial(labels, ""),
    "a header alone": partial(labels, "image,patient,Edema\n"),
    "labels without patients": swapped_labels("patient", "subject"),
    "labels without a class": partial(labels, "image,patient\na,p\n"),
    "a class that is there twice": swapped_labels("Mass", "Edema"),
    "a label of 2": swapped_labels("b,q,0", "b,q,2"),
    "a label of yes": swapped_labels("b,q,0", "b,q,yes"),
    "a labelled image that is there twice": swapped_labels("b,q", "a,q"),
    "an image without a name": swapped_labels("b,q", ",q"),
    "an image without a patient": swapped_labels("b,q", "b,"),
    "a row that is cut off": swapped_labels("b,q,0,", "b,q"),
    "a label file that is no Parquet": partial(parquet, b"no such thing"),
    "a label of 0.5 in Parquet": partial(
        parquet, pd.DataFrame({"image": ["a"], "patient": ["p"], "Edema": [0.5]})
    ),
    "a header that is no UTF-8": partial(raw, b"image,patient,Ed\xffma\na,p,1\n"),
    "images that are lists": partial(
        parquet, pd.DataFrame({"image": [["a"]], "patient": ["p"], "Edema": [1]})
    ),
    "a pattern of no file": lambda: read_system(["a/*.csv"], None),
    "predictions without images": swapped("image", "file"),
    "predictions of other images": swapped("a,0.1", "c,0.1"),
    "a predicted image that is there twice": swapped("a,0.1", "b,0.1"),
    "predictions without a class": swapped("Mass", "mass"),
    "predictions of other patients": partial(
        predictions, "image,patient,Edema,Mass\nb,q,0.2,0.4\na,r,0.1,0.3\n"
    ),
    "a probability of nan": swapped("0.3", "nan"),
    "a probability that is missing": swapped("0.3", ""),
    "a probability of 1.2": swapped("0.3", "1.2"),
    "a probability of high": swapped("0.3", "high"),
    "a logit of inf": swapped("0.3", "inf", logits=True),
    "a system without files": partial(systems_of, [["A"], ["B", "b.csv"]]),
    "a system that is there twice": partial(systems_of, [["A", "a.csv"], ["A", "b.csv"]]),
    "one system": partial(systems_of, [["A", "a.csv"]]),
    "a metric that is none": partial(find_metric, "mAPP"),
}
