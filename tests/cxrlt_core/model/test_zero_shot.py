"""New labels beside trained ones: their coordinates, and that no trained label notices them."""

import numpy as np
import pytest
import torch

from cxrlt_core.model.query_network import label_coordinates
from cxrlt_core.model.zero_shot import (
    ZeroShotClassifier,
    check_encoder,
    directions,
    nearest_trained,
    nystrom_coordinates,
)
from cxrlt_core.system.errors import StudyError


@pytest.fixture
def embeddings() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(26, 64)).astype(np.float32)


@pytest.mark.parametrize("width", [5, 64])
def test_a_trained_label_gets_its_own_row(width, embeddings):
    trained = embeddings[:, :width]
    coordinates, shares = nystrom_coordinates(trained, trained)
    assert coordinates.dtype == np.float32
    np.testing.assert_allclose(coordinates, label_coordinates(trained), atol=1e-4)
    np.testing.assert_allclose(shares, 1, atol=1e-5)


def test_the_share_is_what_lies_among_the_trained_labels(embeddings):
    """By a projection, and inner products with trained labels are the cosines times their number."""
    trained, new = embeddings[:20], embeddings[20:]
    coordinates, shares = nystrom_coordinates(new, trained)
    basis = np.linalg.svd(directions(trained, trained))[2][:19]
    np.testing.assert_allclose(shares, ((directions(new, trained) @ basis.T) ** 2).sum(1), atol=1e-5)
    assert (shares > 0.05).all() and (shares < 0.6).all()
    cosines = directions(new, trained) @ directions(trained, trained).T
    np.testing.assert_allclose(coordinates @ label_coordinates(trained).T, 20 * cosines, atol=1e-3)


def test_a_label_of_which_the_others_say_nothing_has_no_coordinates(embeddings):
    trained = np.pad(embeddings[:, :8], ((0, 0), (0, 8)))
    mean = trained.mean(0, keepdims=True)
    coordinates, shares = nystrom_coordinates(mean + np.eye(16)[8:10], trained)
    assert np.abs(coordinates).max() < 1e-5 and shares.max() < 1e-9


def test_the_nearest_name_is_that_of_a_loop_over_those_with_labels(embeddings):
    trained, new = embeddings[:20], embeddings[20:]
    known = np.arange(20) % 3 != 0
    places, cosines = nearest_trained(new, trained, known)
    centre = trained.mean(0)
    for u, label in enumerate(new):
        found = {
            c: np.dot(label - centre, other - centre)
            / (np.linalg.norm(label - centre) * np.linalg.norm(other - centre))
            for c, other in enumerate(trained)
            if known[c]
        }
        assert places[u] == max(found, key=found.get)
        assert cosines[u] == pytest.approx(max(found.values()), abs=1e-6)


def made(build, new: np.ndarray, **changes) -> tuple[torch.nn.Module, ZeroShotClassifier]:
    model = build(classes=list("abcdef"), designs={}, **changes).eval()
    return model, ZeroShotClassifier(model, new).eval()


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_trained_labels_keep_their_bits_and_new_ones_depend_on_no_other(build, precision):
    images = torch.randn(5, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    new = np.random.default_rng(1).normal(size=(4, 6)).astype(np.float32)
    model, asking = made(build, new)
    with torch.inference_mode(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
        logits, alone = asking(images), made(build, new[2:3])[1](images)
        assert logits.shape == (5, 10) and torch.equal(logits[:, :6], model(images))
    assert (logits[:, 6] - logits[:, 7]).abs().max() > 1e-3
    close = {"atol": 1e-6, "rtol": 0} if precision == torch.float32 else {"atol": 0.03, "rtol": 0}
    torch.testing.assert_close(logits[:, 8:9], alone[:, 6:], **close)


def test_a_new_label_sees_what_a_masked_decoder_shows_it(build):
    """The decoder of both kinds of labels at once, with a mask in its self-attention, written out."""
    new = np.random.default_rng(1).normal(size=(3, 6)).astype(np.float32)
    model, asking = made(build, new)
    images, queries = torch.randn(2, 1, 32, 32), model.queries
    with torch.inference_mode():
        tokens = queries.norm_tokens(queries.project_tokens(model.encoder(images)))
        both = torch.cat([queries.coordinates, torch.from_numpy(new)])
        labels = queries.project_labels(both).expand(2, -1, -1)
        mask = torch.eye(9, dtype=torch.bool) | (torch.arange(9) < 6)
        for layer in queries.layers:
            x, look = layer.norms[0](labels), layer.self_attention
            q = look._split(look.query(x))
            k, v = (look._split(part) for part in look.key_value(x).chunk(2, dim=-1))
            heads = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            labels = labels + look.out(heads.transpose(1, 2).flatten(2))
            labels = labels + layer.cross_attention(layer.norms[1](labels), tokens)
            labels = labels + layer.feedforward(layer.norms[2](labels))
        torch.testing.assert_close(asking(images), model.head(queries.norm(labels)), atol=1e-5, rtol=0)


def test_what_cannot_be_asked_is_a_line(build, embeddings):
    new = np.zeros((1, 6), np.float32)
    for designs, what in (
        ({"separate": {}}, "a last layer for each class; expected a shared one"),
        ({"average_pooling": {}}, "no label queries"),
    ):
        with pytest.raises(StudyError, match=f"^this model has {what}"):
            ZeroShotClassifier(build(classes=list("abcdef"), designs=designs), new)
    model = build(classes=list("abcdef"), designs={}, embeddings=embeddings[:6])
    check_encoder(model, embeddings[:6] * 2 + 1)  # arranges labels alike
    with pytest.raises(StudyError, match=r"^the text encoder is not the one of this model"):
        check_encoder(model, embeddings[6:12])
