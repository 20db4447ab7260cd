import numpy as np
import pytest
import torch
from torch import nn

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.prediction.attention import attention_maps, classes_to_show, examples_to_show, most_probable

CPU = torch.device("cpu")


class Brightest(nn.Module):
    """Looks, for both classes, where an image is bright: its quarters' shares of the light."""

    def attention(self, images):
        light = nn.functional.avg_pool2d(images, images.shape[-1] // 2)
        return light.repeat(1, 2, 1, 1)


@pytest.fixture
def images() -> PackedImages:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 8, 8), dtype=np.uint8)
    return PackedImages({"a": pixels}, ["a"] * 7, np.arange(7)[::-1])


def test_maps_come_in_the_order_asked_for_whatever_the_batch(images):
    positions = np.array([5, 0, 3])
    found = attention_maps(Brightest(), images, positions, (0.5, 0.25), CPU, batch_size=2)
    assert found.shape == (3, 2, 2, 2) and found.dtype == np.float32
    for one, position in zip(found, positions, strict=True):
        quarters = images.gather(np.array([position])).numpy().reshape(2, 4, 2, 4).mean((1, 3)) / 255
        np.testing.assert_allclose(one, np.tile((quarters - 0.5) / 0.25, (2, 1, 1)), atol=1e-6)


def test_the_most_probable_come_first_positives_then_negatives_and_no_unknown():
    targets = np.array([1, 0, -1, 1, 0, 1, 0], np.int8)
    probabilities = np.array([0.1, 0.9, 1.0, 0.8, 0.2, 0.7, 0.4])
    assert most_probable(targets, probabilities, 2) == [3, 5, 1, 6]
    assert most_probable(targets[:3], probabilities[:3], 2) == [0, 1]


def test_the_most_probable_of_a_class_of_each_group_are_shown():
    classes = ["Edema", "Mass", "Fracture", "Hernia", "Nodule"]
    groups = dict(zip(classes, ("head", "tail", "head", "tail", "medium"), strict=True))
    assert classes_to_show(np.array([0.1, 0.2, 0.05, 0.3, np.nan]), classes, groups) == [0, 3]
    targets = np.array([[1, 0], [0, 1], [1, -1], [0, 0]], np.int8)
    scores = np.array([[0.5, 0.1], [0.75, 0.2], [0.25, 0.9], [0.125, 0.4]])
    assert examples_to_show(targets, scores, np.array([0.5, np.nan]), classes[:2], groups, 1) == [
        {"position": 0, "class": "Edema", "labelled": True, "probability": 0.5},
        {"position": 1, "class": "Edema", "labelled": False, "probability": 0.75},
    ]
