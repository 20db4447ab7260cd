"""Shared by the tests of the core: the smoke study, a tiny model and images that tell classes apart."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from cxrlt_core.model import ModelConfig, new_model
from cxrlt_core.params import ImageEncoder, Params
from cxrlt_core.parse_params import parse_params

torch.set_num_threads(1)
PROFILES = Path(__file__).parents[2] / "profiles"
CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def smoke_content() -> dict[str, Any]:
    return yaml.safe_load((PROFILES / "smoke.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def smoke(smoke_content) -> Params:
    return parse_params(smoke_content)


@pytest.fixture
def changed(smoke_content) -> Callable[..., Params]:
    """Parse the smoke study with some values changed: ``changed({"train.epochs": 2})``."""

    def parse(changes: dict[str, Any]) -> Params:
        content = copy.deepcopy(smoke_content)
        for key, value in changes.items():
            *folders, last = (int(part) if part.isdigit() else part for part in key.split("."))
            place = content
            for folder in folders:
                place = place[folder]
            place[last] = value
        return parse_params(content)

    return parse


@pytest.fixture
def config() -> ModelConfig:
    return ModelConfig(
        classes=["a", "b", "c"],
        image_model="resnet10t",
        image_options={"channels": [4, 8, 8, 8]},
        image_size=32,
        pixel_mean=0.4,
        pixel_deviation=0.3,
        text="any",
        separate=True,
        query={"width": 8, "layers": 1, "heads": 2, "feedforward": 8, "dropout": 0.1},
    )


@pytest.fixture
def build(config) -> Callable[..., torch.nn.Module]:
    """Build the tiny model from a seed, with parts of the config or the embeddings exchanged."""

    def model(seed: int = 0, embeddings: np.ndarray | None = None, **changes: Any) -> torch.nn.Module:
        mine = ModelConfig(**{**config.to_json(), **changes})
        classes = len(mine.classes)
        if embeddings is None:
            embeddings = np.random.default_rng(0).normal(size=(classes, 5))
        targets = np.tile(np.arange(4) % 2, (classes, 1)).T.astype(np.int8)
        encoder = ImageEncoder(model=mine.image_model, pretrained=False, options=mine.image_options)
        torch.manual_seed(seed)
        return new_model(mine, encoder, embeddings, targets, "image_encoders.x")

    return model


@pytest.fixture(scope="session")
def toy() -> tuple[np.ndarray, np.ndarray]:
    """40 noisy images uint8 (40, 32, 32) and labels int8 (40, 3): class c is a bright spot at place c."""
    generator = np.random.default_rng(3)
    targets = generator.integers(0, 2, size=(40, 3)).astype(np.int8)
    images = generator.integers(60, 100, size=(40, 32, 32))
    for c, (y, x) in enumerate([(4, 4), (4, 20), (20, 12)]):
        images[:, y : y + 8, x : x + 8] += 120 * targets[:, c, None, None]
    return images.astype(np.uint8), targets
