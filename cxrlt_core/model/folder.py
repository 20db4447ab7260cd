"""The folder of a trained model: model.safetensors, and config.json with all else that prediction needs."""

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from cxrlt_core.model.classifier import Classifier, ModelConfig, rebuild_model
from cxrlt_core.model.image_encoder import refusal
from cxrlt_core.params.schema import QueryNetwork
from cxrlt_core.system.errors import StudyError, reason, shown
from cxrlt_core.system.files import file_hash, read_json, write_json
from cxrlt_core.system.tensors import read_tensors, write_tensors

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True)
class TrainedModel:
    """A model ready to predict, and what it is."""

    network: Classifier
    config: ModelConfig


def save_model(folder: Path | str, network: nn.Module, config: ModelConfig) -> None:
    """Write the folder of a model."""
    state = network.state_dict()
    tensors = {name: tensor.cpu().contiguous().numpy() for name, tensor in state.items()}
    write_tensors(Path(folder) / WEIGHTS, tensors)
    write_json(Path(folder) / CONFIG, config.to_json())


def read_model(folder: Path | str) -> TrainedModel:
    """Rebuild a model from its folder; StudyError when a file is absent or broken, or the two differ."""
    folder = Path(folder)
    config, path = read_config(folder), folder / WEIGHTS
    try:
        tensors = {name: torch.from_numpy(array) for name, array in read_tensors(path).items()}
        return TrainedModel(rebuild_model(config, tensors), config)
    except StudyError:
        raise
    except Exception as error:  # of safetensors, timm or torch, by what is wrong
        raise StudyError(f"{path}: not the weights of {folder / CONFIG}: {reason(error)}") from None


def read_config(folder: Path | str) -> ModelConfig:
    """Read what a model is; StudyError when config.json is absent, of another version or not a model's."""
    path = Path(folder) / CONFIG
    content = read_json(path)
    if difference := _difference(content):
        raise StudyError(f"{path}: {difference}; train it again with this version")
    try:
        config = TypeAdapter(ModelConfig).validate_python(content)
        QueryNetwork(**config.query)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise StudyError(f"{path}: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from None
    if problem := refusal(config.image_model, config.image_options):
        raise StudyError(f"{path}: {problem}")
    for name in config.classes:
        if not name[:1].isalnum():  # it becomes part of file names and of cells
            raise StudyError(f"{path}: classes: expected names that begin with a letter, found {shown(name)}")
    return config


def model_marks(folder: Path | str) -> dict[str, str]:
    """Return the SHA-256 of the files that make a model what it is."""
    return {name: file_hash(Path(folder) / name) for name in (WEIGHTS, CONFIG)}


def _difference(content: Any) -> str:
    known = {field.name: field.default is MISSING for field in fields(ModelConfig)}
    if not isinstance(content, dict):
        return "expected a mapping of keys"
    missing = sorted(name for name, needed in known.items() if needed and name not in content)
    unknown = sorted(set(content) - set(known))
    parts = {"missing": missing, "unknown": unknown}
    return "; ".join(f"{name} {', '.join(keys)}" for name, keys in parts.items() if keys)
