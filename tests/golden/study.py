"""The study behind the golden values: every parameter that reaches them, and data made of whole numbers.

Whole numbers and single divisions are the same on every machine; what differs is the arithmetic under test.
"""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cxrlt_core.params.schema import Params
from cxrlt_core.study.parse import parse_params

SMOKE = Path(__file__).parents[2] / "profiles/smoke.yaml"
CLASSES = ["Edema", "Fracture", "Hernia", "Nodule"]
GROUPS = dict(zip(CLASSES, ["head", "medium", "tail", "tail"], strict=True))
STILL = {"brightness": 0, "contrast": 0, "gamma": 0, "erase": 0, "flip": False}
SETTINGS = {
    "query": {"width": 16, "layers": 1, "heads": 2, "feedforward": 16, "dropout": 0.1},
    "train": {
        **{"epochs": 1, "steps": None, "batch_size": 12, "seeds": [0, 1, 2], "learning_rate": 0.002},
        **{"weight_decay": 0.02, "warmup": 0.25, "precision": "fp32", "accumulate": 1, "clip": 1.0},
        **{"ema": 0.9, "compile": False, "sync_batchnorm": False},
        "augment": {**STILL, "rotate": 6, "shift": 0.05, "scale": 0.06, "contrast": 0.1},
    },
    "mixup": {"alpha": 0.4},
    "tta": {"views": 2, "seed": 0, "augment": {**STILL, "rotate": 6, "shift": 0.05, "scale": 0.06}},
    "study": {"aggregate": "none"},
    "ensemble": {"members": ["plain", "separate", "mixed", "weighted", "replenished"]},
    "bootstrap": {"resamples": 100, "seed": 0, "level": 0.95},
    "evidence": {"margin": 0.002, "min_positives": 5},
}
SETTINGS["ensemble"] |= {"top_k": 2, "prior_positives": 20}
PLAIN = {"loss": "bce", "weights": "uniform", "data": "primary", "init": "none"}
VARIANTS = {
    "plain": {},
    "separate": {"separate": True},
    "mixed": {"separate": True, "mixup": True},
    "weighted": {"separate": True, "mixup": True, "weights": "main"},
    "replenished": {"separate": True, "mixup": True, "weights": "main", "data": "replenished"},
}
TABLE1 = [("plain", False), ("separate", False), ("separate", True), ("mixed", True), ("weighted", True)]
TABLE2 = [("model_wise", False), ("class_wise", False), ("bagged", False), ("shrunk", False)]
TABLE2 += [("class_wise", True)]


def golden_params() -> Params:
    """The smoke study, with all that reaches a number here in place of its own."""
    content: dict[str, Any] = yaml.safe_load(SMOKE.read_text(encoding="utf-8"))
    for section, settings in SETTINGS.items():
        content[section] |= settings
    like = next(iter(content["variants"].values()))
    content["variants"] = {name: like | PLAIN | own for name, own in VARIANTS.items()}
    content["reweight"]["base"] = "separate"
    content["table1"] = [
        {"variant": name, "tta": tta, "published": 0.31 + 0.001 * number if number < 4 else None}
        for number, (name, tta) in enumerate(TABLE1)
    ]
    content["table2"] = [{"method": m, "replenished": more, "published": None} for m, more in TABLE2]
    swapped = ["plain", "separate", "mixed", "replenished"]
    content["table2"].append({"name": "swap", "method": "class_wise", "members": swapped})
    return parse_params(content)


def labels(images: int, stream: int) -> np.ndarray:
    """Targets int8 (N, C) from common to rare; one known label in ten is unknown."""
    generator = np.random.default_rng([1, stream])
    targets = generator.integers(0, 100, (images, len(CLASSES))) < [45, 30, 20, 15]
    unknown = generator.integers(0, 10, targets.shape) == 0
    return np.where(unknown, -1, targets).astype(np.int8)


def pictures(targets: np.ndarray, stream: int) -> np.ndarray:
    """Noise in which a positive label is a bright square at the place of its class; uint8 (N, 32, 32)."""
    images = np.random.default_rng([2, stream]).integers(40, 110, (len(targets), 32, 32))
    for c, (y, x) in enumerate([(4, 4), (4, 20), (20, 4), (20, 20)]):
        images[:, y : y + 8, x : x + 8] += 100 * (targets[:, c, None, None] == 1)
    return images.astype(np.uint8)


def patients(images: int) -> list[str]:
    """Two or three images a patient."""
    return [f"patient {2 * number // 5}" for number in range(images)]


def opinions(targets: np.ndarray, *stream: int) -> np.ndarray:
    """Probabilities of a made-up model, which knows each class to another degree; float32 (N, C).

    In millionths: in coarser steps means of models would tie but for rounding, which machines do each its
    own way.
    """
    generator = np.random.default_rng([3, *stream])
    skill = generator.integers(50_000, 450_000, len(CLASSES))
    whole = generator.integers(0, 500_000, targets.shape) + skill * (targets == 1)
    return (whole / 1_000_000).astype(np.float32)
