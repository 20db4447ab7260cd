"""Trained models: models/<variant>/<seed>/, and models/<variant>/trained.json, which names them by content.

What predicts depends on trained.json alone: times and memory, which lie beside the models, re-run nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from cxrlt_core.model.classifier import Classifier, ModelConfig, rebuild_model
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import file_hash, read_json, write_json
from cxrlt_core.system.tensors import read_tensors, write_tensors
from stages.artifacts.paths import model_folder

FILES = ("model.safetensors", "config.json")


@dataclass(frozen=True)
class TrainedModel:
    """A model ready to predict, with the mean and deviation of the pixels that it was trained on."""

    network: Classifier
    pixels: tuple[float, float]


def save_model(variant: str, seed: int, network: nn.Module, config: ModelConfig) -> None:
    """Write model.safetensors and config.json."""
    state = network.state_dict()
    tensors = {name: tensor.cpu().contiguous().numpy() for name, tensor in state.items()}
    write_tensors(model_folder(variant, seed) / "model.safetensors", tensors)
    write_json(model_folder(variant, seed) / "config.json", config.to_json())


def write_trained(variant: str, seeds: Sequence[int]) -> None:
    """Name the models of a variant by content."""
    marks = {str(seed): _marks(variant, seed) for seed in seeds}
    write_json(f"models/{variant}/trained.json", marks)


def load_model(variant: str, seed: int) -> TrainedModel:
    """Rebuild a trained model.

    Raises:
        StudyError: when it is absent, or not the one that trained.json names.
    """
    folder, known = model_folder(variant, seed), read_json(f"models/{variant}/trained.json")
    if known.get(str(seed)) != _marks(variant, seed):
        raise StudyError(f"{folder}: not the model that training wrote; dvc checkout, or dvc repro --force")
    config = read_json(folder / "config.json")
    tensors = read_tensors(folder / "model.safetensors")
    network = rebuild_model(config, {name: torch.from_numpy(array) for name, array in tensors.items()})
    return TrainedModel(network, (config["pixel_mean"], config["pixel_deviation"]))


def _marks(variant: str, seed: int) -> dict[str, str]:
    return {name: file_hash(model_folder(variant, seed) / name) for name in FILES}
