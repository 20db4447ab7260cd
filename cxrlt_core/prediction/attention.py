"""Where a model looks: its attention over images of a set, and which images show it best."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.labels import GROUPS, NEGATIVE, POSITIVE
from cxrlt_core.prediction.inference import ADVICE, prepare
from cxrlt_core.system.device import explain_out_of_memory, upload


@torch.inference_mode()
def attention_maps(
    model: nn.Module,
    images: PackedImages,
    positions: np.ndarray,
    pixels: tuple[float, float],
    device: torch.device,
    batch_size: int,
) -> np.ndarray:
    """Return the attention of every class over some images of a set, float32 (n, C, h, h).

    The model is a trained :class:`cxrlt_core.model.classifier.Classifier`; positions are int (n,), n > 0.
    StudyError when the encoder's tokens are no square grid, or the device has too little memory.
    """
    model = model.to(device, memory_format=torch.channels_last).eval()
    maps = []
    with explain_out_of_memory(ADVICE):
        for start in range(0, len(positions), batch_size):
            batch = upload(images.gather(positions[start : start + batch_size]), device)
            maps.append(model.attention(prepare(batch, pixels)).cpu())
    return torch.cat(maps).numpy()


def most_probable(targets: np.ndarray, probabilities: np.ndarray, count: int) -> list[int]:
    """Return the positives, then the negatives, at most so many of each, that a model finds most probable.

    They are true and false positives at every threshold that they pass; an unknown label is neither.
    Targets are int8 (N,), probabilities float (N,).
    """
    order = np.argsort(-probabilities, kind="stable")
    return [int(i) for label in (POSITIVE, NEGATIVE) for i in order[targets[order] == label][:count]]


def examples_to_show(
    targets: np.ndarray,
    probabilities: np.ndarray,
    precision: np.ndarray,
    classes: Sequence[str],
    groups: Mapping[str, str],
    count: int,
) -> list[dict]:
    """Return the images that show best where a model looks: position, class, labelled, probability.

    Targets are int8 (N, C), -1 unknown; probabilities float (N, C); ``precision`` (C,) is NaN for classes
    that are not to be shown; ``count`` is of images labelled with a class, and of others, at most.
    """
    return [
        {
            "position": position,
            "class": classes[c],
            "labelled": bool(targets[position, c] == POSITIVE),
            "probability": float(probabilities[position, c]),
        }
        for c in classes_to_show(precision, classes, groups)
        for position in most_probable(targets[:, c], probabilities[:, c], count)
    ]


def classes_to_show(precision: np.ndarray, classes: Sequence[str], groups: Mapping[str, str]) -> list[int]:
    """Return the class of the highest precision (C,), not NaN, of each group."""
    best = []
    for group in GROUPS:
        shown = [c for c, name in enumerate(classes) if groups[name] == group]
        best += sorted((c for c in shown if np.isfinite(precision[c])), key=lambda c: -precision[c])[:1]
    return best
