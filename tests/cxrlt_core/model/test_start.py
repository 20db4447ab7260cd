import numpy as np
import pytest
import torch
from served import tiny_config, tiny_model

from cxrlt_core.model.folder import TrainedModel
from cxrlt_core.model.start import load_fitting

CLASSES = ["a", "b", "c"]


def made(seed: int, **changes) -> TrainedModel:
    """A model whose text encoder, as all of its weights, depends on the seed."""
    config = tiny_config(classes=CLASSES, **changes)
    return TrainedModel(tiny_model(config, seed, np.random.default_rng(seed).normal(size=(3, 5))), config)


def started(parent: dict, child: dict) -> tuple[list[str], dict, dict, dict]:
    """Names of what stays new, and tensors of the parent, of the child before, and of the child after."""
    old, new = made(0, **parent), made(1, **child)
    before = {name: tensor.clone() for name, tensor in new.network.state_dict().items()}
    layers = load_fitting(new.network, new.config, old)
    return layers, old.network.state_dict(), before, new.network.state_dict()


def test_all_fits_but_what_the_text_encoder_says_of_the_labels():
    layers, parent, before, after = started({}, {})
    assert not layers
    for name, tensor in after.items():
        torch.testing.assert_close(tensor, (before if name == "queries.coordinates" else parent)[name])
    assert not torch.equal(parent["queries.coordinates"], after["queries.coordinates"])


HEADS = {"query": {"width": 8, "layers": 2, "heads": 4, "feedforward": 8, "dropout": 0.1}}
WIDER = {"image_options": {"channels": [4, 8, 8, 16]}}  # its last stage alone has other shapes
CSRA = {"designs": {"csra": {"residual": 0.1, "temperature": 1.0}}}


@pytest.mark.parametrize(
    ("child", "new"),
    [
        (CSRA, ["head"]),  # a bias of the same name and shape is part of another layer
        ({"image_model": "resnet18"}, ["encoder"]),
        ({"designs": {}}, ["head"]),
    ],
)
def test_a_layer_fits_whole_or_stays_new(child, new):
    layers, parent, before, after = started({}, child)
    assert layers == new
    for name, tensor in after.items():
        part = name.partition(".")[0]
        if name != "queries.coordinates":
            torch.testing.assert_close(tensor, before[name] if part in new else parent[name])


def test_kernels_of_other_shapes_and_attention_of_other_heads_stay_new_in_part():
    layers, parent, _, after = started({}, WIDER)
    assert "encoder.network.layer4.0.conv1" in layers and "encoder" not in layers
    torch.testing.assert_close(
        after["encoder.network.conv1.0.weight"], parent["encoder.network.conv1.0.weight"]
    )
    layers, *_ = started({}, HEADS)
    assert layers and all(layer.startswith("queries.layers.") for layer in layers)


def test_position_embeddings_are_resampled_to_the_size_of_the_images():
    vit = {
        "image_model": "vit_tiny_patch16_224",
        "image_options": {"embed_dim": 16, "num_heads": 2, "depth": 1},
    }
    sizes = [
        {**vit, "image_size": n, "image_options": {**vit["image_options"], "img_size": n}} for n in (32, 64)
    ]
    layers, parent, before, after = started(*sizes)
    assert not layers
    name = "encoder.network.pos_embed"
    assert after[name].shape == before[name].shape != parent[name].shape
    assert not torch.equal(after[name], before[name])
    torch.testing.assert_close(after[name].mean(), parent[name].mean(), atol=0.02, rtol=0)
