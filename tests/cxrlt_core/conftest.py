"""Shared by the tests of the core: the smoke study, a tiny model and images that tell classes apart."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from served import tiny_config, tiny_model
from settings import augment, loss, usual

from cxrlt_core.batches.images import PackedImages, PixelStats
from cxrlt_core.losses import build_loss
from cxrlt_core.model.classifier import ModelConfig
from cxrlt_core.params.schema import Params
from cxrlt_core.params.training import Train
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.build import TrainingData, TrainingSettings, build_training
from cxrlt_core.training.loop import Training
from tests.bad_input.params import SMOKE, with_changes

torch.set_num_threads(1)
CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def smoke_content() -> dict[str, Any]:
    return copy.deepcopy(SMOKE)


@pytest.fixture(scope="session")
def smoke(smoke_content) -> Params:
    return parse_params(smoke_content)


@pytest.fixture
def changed() -> Callable[..., Params]:
    """Parse the smoke study with some values changed: ``changed({"train.epochs": 2})``."""

    return lambda changes: parse_params(with_changes(changes))


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    return tiny_config(classes=["a", "b", "c"])


@pytest.fixture(scope="session")
def build(config) -> Callable[..., torch.nn.Module]:
    """Build the tiny model from a seed, with parts of the config or the embeddings exchanged."""

    def model(seed: int = 0, embeddings: np.ndarray | None = None, **changes: Any) -> torch.nn.Module:
        mine = ModelConfig(**{**config.to_json(), **changes})
        if embeddings is None:
            embeddings = np.random.default_rng(0).normal(size=(len(mine.classes), 5))
        return tiny_model(mine, seed, embeddings)

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


SETTINGS = usual(
    Train,
    epochs=3,
    batch_size=8,
    seeds=[0],
    learning_rate=0.01,
    weight_decay=0.01,
    precision="fp32",
    augment=augment(rotate=5, shift=0.05, scale=0.05),
)


@pytest.fixture(scope="session")
def training(build, toy) -> Callable[..., Training]:
    """Prepare the training of a tiny model on the first n toy images; all but the pixels may be exchanged."""

    def make(n: int = 37, model: Any = None, ranks: Ranks = Ranks(CPU), **changes: Any) -> Training:  # noqa: B008
        images, targets = toy
        train = {key: value for key, value in changes.items() if key in Train.model_fields}
        data = TrainingData(
            images=changes.get("images", PackedImages({"s": images[:n]}, ["s"] * n, range(n))),
            targets=changes.get("targets", targets[:n]),
            classes=["a", "b", "c"],
            class_weights=changes.get("class_weights", np.ones(3)),
            pixels=PixelStats(0.4, 0.3),
        )
        settings = TrainingSettings(
            train=SETTINGS.model_copy(update=train),
            loss=changes.get("loss", build_loss(loss("bce"), targets)),
            seed=changes.get("seed", 0),
            designs=changes.get("designs", {}),
        )
        return build_training(model or build(), data, settings, ranks)

    return make


@pytest.fixture(scope="session")
def plain() -> Callable[[], torch.nn.Module]:
    """Build a small network without batch statistics, the same every time."""

    def model() -> torch.nn.Module:
        torch.manual_seed(0)
        layers = [torch.nn.Conv2d(1, 8, 5, stride=4), torch.nn.GELU(), torch.nn.Flatten()]
        return torch.nn.Sequential(*layers, torch.nn.Linear(8 * 7 * 7, 3))

    return model
