"""Write and read a trained model: a folder models/<variant>/."""

from dataclasses import dataclass

import torch
from torch import nn

from cxrlt_core.model.classifier import Classifier, ModelConfig, rebuild_model
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import read_json, write_json
from cxrlt_core.system.tensors import read_tensors, write_tensors


@dataclass(frozen=True)
class TrainedModel:
    """A model ready to predict, with the mean and deviation of the pixels that it was trained on."""

    network: Classifier
    pixels: tuple[float, float]


def model_config(params: Params, name: str, classes: list[str], pixels: tuple[float, float]) -> ModelConfig:
    """Describe the model of a variant."""
    variant = params.variants[name]
    encoder = params.image_encoders[variant.image]
    return ModelConfig(
        classes=classes,
        image_model=encoder.model,
        image_options=encoder.options,
        image_size=params.image.size,
        pixel_mean=pixels[0],
        pixel_deviation=pixels[1],
        text=variant.text,
        separate=variant.separate,
        query=params.query.model_dump(),
    )


def save_model(folder: str, network: nn.Module, config: ModelConfig) -> None:
    """Write model.safetensors and config.json."""
    state = network.state_dict()
    tensors = {name: tensor.cpu().contiguous().numpy() for name, tensor in state.items()}
    write_tensors(f"{folder}/model.safetensors", tensors)
    write_json(f"{folder}/config.json", config.to_json())


def load_model(folder: str) -> TrainedModel:
    """Rebuild a trained model."""
    config = read_json(f"{folder}/config.json")
    tensors = read_tensors(f"{folder}/model.safetensors")
    network = rebuild_model(config, {name: torch.from_numpy(array) for name, array in tensors.items()})
    return TrainedModel(network, (config["pixel_mean"], config["pixel_deviation"]))
