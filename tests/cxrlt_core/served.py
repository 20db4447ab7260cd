"""Folders of small untrained models, and images for them, as files."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from settings import augment

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.model.classifier import ModelConfig, new_model
from cxrlt_core.model.folder import model_marks, save_model
from cxrlt_core.model.image_encoder import build_network
from cxrlt_core.serving.ensemble_folder import EnsembleConfig, Member, write_ensemble
from tests.cxrlt_core.packing import pictures

SIZE = 32
TTA = {"views": 3, "seed": 1, "augment": augment(rotate=20, shift=0.1).model_dump()}


def tiny_config(**changes: Any) -> ModelConfig:
    content = {
        "classes": list(CLASSES),
        "image_model": "resnet10t",
        "image_options": {"channels": [4, 8, 8, 8]},
        "image_pixels": None,
        "image_size": SIZE,
        "pixel_mean": 0.4,
        "pixel_deviation": 0.3,
        "text": "any",
        "designs": {"separate": {}},
        "query": {"width": 8, "layers": 2, "heads": 2, "feedforward": 8, "dropout": 0.1},
        "image_fit": "squash",
        "precision": "fp32",
        "augment": augment(rotate=20).model_dump(),
        "drawn": [],
    }
    return ModelConfig(**{**content, **changes})


def tiny_model(config: ModelConfig, seed: int, embeddings: np.ndarray) -> torch.nn.Module:
    targets = np.tile(np.arange(4) % 2, (len(config.classes), 1)).T.astype(np.int8)
    torch.manual_seed(seed)
    return new_model(config, build_network(config.image_model, config.image_options), embeddings, targets)


def write_model(
    folder: Path, seed: int = 0, embeddings: np.ndarray | None = None, **changes: Any
) -> ModelConfig:
    """Write the folder of a tiny model; its logits are spread, so that images and classes differ."""
    config = tiny_config(**changes)
    if embeddings is None:
        embeddings = np.random.default_rng(seed).normal(size=(len(config.classes), 5))
    network = tiny_model(config, seed, embeddings)
    with torch.no_grad():
        getattr(network.head, "linear", network.head).weight *= 5
    save_model(folder, network, config)
    return config


def write_pair(folder: Path) -> np.ndarray:
    """Write two models and, in ensembles/both/0, their ensemble; return its weights (2, C)."""
    for number, name in enumerate(("one", "two")):
        write_model(folder / f"models/{name}/0", number)
    weights = np.random.default_rng(5).random(len(CLASSES))
    weights = np.array([weights, 1 - weights])
    config = EnsembleConfig(
        classes=list(CLASSES),
        members=[
            Member(f"../../../models/{name}/0", model_marks(folder / f"models/{name}/0"))
            for name in ("one", "two")
        ],
        weights=dict(zip(CLASSES, weights.T.tolist(), strict=True)),
        calibration={"temperature": 2.0, "thresholds": dict.fromkeys(CLASSES, 0.5) | {"Hernia": None}},
        tta=TTA,
        aggregate="none",
    )
    write_ensemble(folder / "ensembles/both/0", config)
    return weights


def write_images(folder: Path, n: int = 5, shape: tuple[int, int] = (60, 90)) -> list[Path]:
    """Write n noisy PNG files of one shape, (height, width)."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.png" for number in range(n)]
    for number, path in enumerate(paths):
        coarse = np.random.default_rng(number).integers(0, 256, (6, 9), dtype=np.uint8)
        Image.fromarray(coarse).resize(shape[::-1]).save(path)
    return paths


def write_dicom(path: Path, pixels: np.ndarray, **fields: Any) -> Path:
    """Write grey pixels, uint8 or uint16 (H, W), with further attributes such as WindowCenter."""
    pictures.write_dicom(path, pixels, **fields)
    return path
