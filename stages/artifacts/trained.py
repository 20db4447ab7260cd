"""Which model is which: data/trained/<variant>.json names each by content, and so does what is made of it.

Weights of classes, tables and ensembles are then never made from what another model has predicted.
"""

from typing import Any

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json
from stages.artifacts.paths import metrics_path, model_folder, trained_path


def trained_marks(variant: str, seed: int) -> dict[str, str] | None:
    """Return the SHA-256 of each file of a model, as training wrote it; None where none was trained."""
    return read_json(trained_path(variant)).get(str(seed))


def check_model(path: str, marks: dict[str, str] | None, variant: str, seed: int) -> None:
    """Raise StudyError unless the model that a file names is the one of a variant and a seed."""
    if marks is None or marks != trained_marks(variant, seed):
        raise StudyError(f"{path}: not of the model {model_folder(variant, seed)}; run dvc repro")


def read_metrics(variant: str) -> dict[str, Any]:
    """Read the development metrics of a variant; StudyError when they are not of its models."""
    path = metrics_path(variant)
    content = read_json(path)
    for seed in read_json(trained_path(variant)):
        check_model(path, content.get("models", {}).get(seed), variant, seed)
    return content
