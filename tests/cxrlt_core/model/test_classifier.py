import dataclasses
import json

import numpy as np
import pytest
import torch

from cxrlt_core.model.classifier import ModelConfig, prior_logits, rebuild_model
from cxrlt_core.model.query_network import label_coordinates
from cxrlt_core.system.errors import StudyError


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("changes", [{}, {"designs": {}}, {"image_pixels": [0.5, 0.25]}])
def test_rebuilt_from_config_and_weights_gives_identical_logits(changes, build, config, images):
    model = build(**changes).eval()
    saved = ModelConfig(**json.loads(json.dumps({**config.to_json(), **changes})))
    torch.manual_seed(99)
    again = rebuild_model(saved, {k: v.clone() for k, v in model.state_dict().items()})
    with torch.no_grad():
        assert torch.equal(again(images), model(images))
        assert torch.allclose(build().eval()(images), model(images)) == (not changes)
    assert not again.training


def test_new_models_are_ready_to_train_and_follow_the_seed_and_their_designs(build, images):
    assert all(part.training for part in build().modules())
    for designs, parameters in (({"separate": {}}, 3 * 9), ({}, 9)):
        assert sum(p.numel() for p in build(designs=designs).head.parameters()) == parameters
    one, two, other = (build(seed).eval() for seed in (0, 0, 1))
    with torch.no_grad():
        assert torch.equal(one(images), two(images))
        assert not torch.equal(one(images), other(images))


def test_logits_are_float32_under_autocast(build, images):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = build()(images)
    assert logits.dtype == torch.float32 and logits.shape == (3, 3)
    exact = logits.detach().to(torch.bfloat16).float()
    assert not torch.equal(exact, logits)  # the last layer itself runs in float32


def test_the_text_encoder_reaches_the_logits(build, images):
    embeddings = np.random.default_rng(5).normal(size=(2, 3, 6))
    one, two = (build(embeddings=table).eval() for table in embeddings)
    stored = one.state_dict()["queries.coordinates"].numpy()
    np.testing.assert_array_equal(stored, label_coordinates(embeddings[0]))
    difference = (one(images) - two(images)).abs().max()
    difference.backward()
    assert difference > 1e-3 and all(p.grad is not None for p in one.parameters())


def test_prior_is_the_log_odds_of_the_known_labels_and_an_untrained_model_is_near_it(build, images):
    targets = np.array([[1, 0, -1], [0, 0, -1], [0, 0, -1], [-1, 0, -1]])
    share = np.array([1.5 / 4, 0.5 / 5, 0.5])
    np.testing.assert_allclose(prior_logits(targets), np.log(share / (1 - share)))
    model = build().eval()
    with torch.no_grad():
        model.head.weight.zero_()
        torch.testing.assert_close(model(images), torch.zeros(3, 3))  # half of the labels are positive


def test_an_encoder_gets_the_pixels_that_it_expects_and_nobody_else_does(config, build):
    """torchxrayvision wants −1024 for black and 1024 for white."""
    other = dataclasses.replace(config, image_pixels=[0.5, 0.5 / 1024])
    black, white = ((p - config.pixel_mean) / config.pixel_deviation for p in (0.0, 1.0))
    factor, offset = other.rescale
    assert black * factor + offset == pytest.approx(-1024) and white * factor + offset == pytest.approx(1024)
    assert config.rescale is None
    model, images = build(image_pixels=[0.5, 0.5 / 1024]).eval(), torch.tensor([black, white]).float()
    seen = []
    model.encoder.network.forward_features = lambda x: seen.append(x) or torch.zeros(2, 8, 1, 1)
    model(images[:, None, None, None].expand(2, 1, 32, 32))
    torch.testing.assert_close(seen[0][:, 0, 0, 0], torch.tensor([-1024.0, 1024.0]))


def test_attention_is_a_map_for_each_class(build):
    images = torch.randn(2, 1, 64, 64)
    model = build().eval()
    before = model(images)
    maps = model.attention(images)
    assert maps.shape == (2, 3, 2, 2) and torch.equal(model(images), before)
    torch.testing.assert_close(maps.sum((-2, -1)), torch.ones(2, 3))
    tokens = model.encoder(images)
    torch.testing.assert_close(maps[:, :, 1, 0], model.queries.attention(tokens)[:, :, 2])  # row by row


def test_tokens_that_are_no_square_have_no_map(build):
    with pytest.raises(StudyError, match="2 tokens of an image, expected a square grid"):
        build().eval().attention(torch.randn(1, 1, 32, 64))
