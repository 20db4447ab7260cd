"""Class weights, weights/<name>.json: those of every training seed, and their mean.

A seed is a repetition of the whole study: it reweights by what its own base variant did on development data,
so a further seed changes no weight of another.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, write_json


def write_weights(name: str, by_seed: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what :func:`cxrlt_core.designs.reweight.reweight` gave for each seed."""
    first = next(iter(by_seed.values()))
    thresholds = [
        weighting["threshold"] for weighting in by_seed.values() if weighting["threshold"] is not None
    ]
    content = {
        "ratio": first["ratio"],
        "rule": first["rule"],
        "threshold": float(np.mean(thresholds)) if thresholds else None,
        "weights": {
            label: float(np.mean([weighting["weights"][label] for weighting in by_seed.values()]))
            for label in first["weights"]
        },
        "seeds": {
            seed: {key: weighting[key] for key in ("threshold", "weights")}
            for seed, weighting in by_seed.items()
        },
    }
    write_json(f"weights/{name}.json", content)


def read_weights(name: str, seed: int) -> dict[str, float]:
    """Return class to weight of a training seed; uniform weights are those of every seed.

    Raises:
        StudyError: when the file has none of the seed, or one is no finite number above 0.
    """
    path = f"weights/{name}.json"
    content = read_json(path)
    if "seeds" in content:
        if str(seed) not in content["seeds"]:
            raise StudyError(f"{path}: no weights of seed {seed}, found {', '.join(content['seeds'])}")
        content = content["seeds"][str(seed)]
    return check_weights(path, content["weights"])


def check_weights(path: str, weights: dict[str, float]) -> dict[str, float]:
    """Return weights of classes; StudyError for the first that is no finite number above 0."""
    for name, weight in weights.items():
        if not isinstance(weight, int | float) or not 0 < weight < np.inf:
            raise StudyError(f"{path}: {name}: expected a weight above 0, found {weight!r}")
    return weights
