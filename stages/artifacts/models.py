"""Trained models: models/<variant>/<seed>/, and models/<variant>/trained.json, which names them by content.

What predicts depends on trained.json alone: times and memory, which lie beside the models, re-run nothing.
"""

from collections.abc import Sequence

from cxrlt_core.model.folder import TrainedModel, model_marks, read_model
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, write_json
from stages.artifacts.paths import model_folder


def write_trained(variant: str, seeds: Sequence[int]) -> None:
    """Name the models of a variant by content."""
    marks = {str(seed): model_marks(model_folder(variant, seed)) for seed in seeds}
    write_json(f"models/{variant}/trained.json", marks)


def load_model(variant: str, seed: int) -> TrainedModel:
    """Rebuild a trained model.

    Raises:
        StudyError: when it is absent, or not the one that trained.json names.
    """
    folder, known = model_folder(variant, seed), read_json(f"models/{variant}/trained.json")
    if known.get(str(seed)) != model_marks(folder):
        raise StudyError(f"{folder}: not the model that training wrote; dvc checkout, or dvc repro --force")
    return read_model(folder)
