import numpy as np
import pytest
import torch

from cxrlt_core.model.query_network import Attention, QueryDecoder, label_coordinates
from cxrlt_core.params.schema import QueryNetwork as QuerySettings

SETTINGS = QuerySettings(width=8, layers=2, heads=2, feedforward=16, dropout=0.1)


@pytest.fixture
def embeddings() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(26, 64)).astype(np.float32)


def cosines(embeddings: np.ndarray) -> np.ndarray:
    centred = embeddings.astype(np.float64) - embeddings.astype(np.float64).mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T


def orthogonal(rows: int, columns: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(9).normal(size=(columns, rows)))[0].T


@pytest.mark.parametrize("width", [3, 25, 64])
def test_inner_products_are_the_cosines_times_the_number_of_labels(width, embeddings):
    coordinates = label_coordinates(embeddings[:, :width])
    assert coordinates.shape == (26, 26) and coordinates.dtype == np.float32
    np.testing.assert_allclose(coordinates @ coordinates.T, 26 * cosines(embeddings[:, :width]), atol=1e-4)
    np.testing.assert_allclose(np.sqrt((coordinates**2).mean(1)), 1, atol=1e-5)
    np.testing.assert_allclose(coordinates, coordinates.T, atol=1e-5)  # no basis is preferred


def variants(embeddings: np.ndarray) -> dict[str, np.ndarray]:
    exact = embeddings.astype(np.float64)
    return {
        "scaled": 37.5 * exact,
        "tiny": 1e-3 * exact,
        "offset": exact + np.random.default_rng(1).normal(size=64),
        "rotated": exact @ orthogonal(64, 64),
        "wider": exact @ orthogonal(64, 96),
        "padded": np.pad(exact, ((0, 0), (0, 32))),
        "all": 3 * exact @ orthogonal(64, 96) + 2,
    }


@pytest.mark.parametrize("name", ["scaled", "tiny", "offset", "rotated", "wider", "padded", "all"])
def test_scale_offset_basis_and_width_do_not_matter(name, embeddings):
    expected = label_coordinates(embeddings)
    np.testing.assert_allclose(label_coordinates(variants(embeddings)[name]), expected, atol=1e-5)


@pytest.mark.parametrize("width", [3, 64])
def test_what_rounding_alone_moves_gives_the_same_bits(width, embeddings):
    """Of fewer numbers than labels, or of centred ones, some eigenvalues are 0: their roots are, too."""
    exact = embeddings[:, :width].astype(np.float64)
    turned = exact @ orthogonal(width, width)
    np.testing.assert_array_equal(label_coordinates(turned), label_coordinates(exact))


def test_another_arrangement_gives_other_coordinates(embeddings):
    assert np.abs(label_coordinates(embeddings) - label_coordinates(embeddings[::-1])).max() > 0.1


def test_one_label_or_identical_labels_stay_finite_and_where_they_are_alike():
    for rows in (np.ones((1, 4)), np.ones((5, 4)), np.eye(2)):
        assert np.isfinite(label_coordinates(rows)).all()
    odd = np.full((5, 7), 0.1, np.float32)
    assert np.abs(label_coordinates(odd)).max() < 1e-3


def test_attention_equals_softmax_of_scaled_products():
    torch.manual_seed(0)
    layer = Attention(8, 2, 0.1).eval()
    queries, memory = torch.randn(3, 5, 8), torch.randn(3, 7, 8)
    key, value = layer.key_value(memory).chunk(2, dim=-1)
    parts = (slice(0, 4), slice(4, 8))
    weights = [(layer.query(queries)[..., part] @ key[..., part].mT / 2).softmax(-1) for part in parts]
    heads = [w @ value[..., part] for w, part in zip(weights, parts, strict=True)]
    torch.testing.assert_close(layer(queries, memory), layer.out(torch.cat(heads, -1)))
    torch.testing.assert_close(layer.weights(queries, memory), (weights[0] + weights[1]) / 2)


def network(embeddings: np.ndarray) -> QueryDecoder:
    torch.manual_seed(0)
    return QueryDecoder(SETTINGS, torch.from_numpy(label_coordinates(embeddings)), token_width=5)


def test_features_follow_image_and_label(embeddings):
    queries = network(embeddings).eval()
    tokens = torch.randn(2, 9, 5)
    features = queries(tokens)
    assert features.shape == (2, 26, 8)
    assert not torch.allclose(features[0], features[1])
    assert not torch.allclose(features[0, 0], features[0, 1])
    torch.testing.assert_close(queries(tokens[1:]), features[1:])
    torch.testing.assert_close(queries(tokens.flip(1)), features)  # tokens are a set


def test_coordinates_are_stored_but_not_trained(embeddings):
    queries = network(embeddings)
    queries(torch.randn(2, 9, 5)).sum().backward()
    assert "coordinates" in queries.state_dict()
    assert "coordinates" not in dict(queries.named_parameters())
    assert not queries.coordinates.requires_grad and queries.coordinates.grad is None


def trained(embeddings: np.ndarray) -> torch.Tensor:
    """Features after ten steps towards a fixed target."""
    queries = network(embeddings).eval()
    optimiser = torch.optim.SGD(queries.parameters(), lr=0.1)
    tokens, target = torch.randn(4, 6, 5), torch.randn(4, 26, 8)
    for _ in range(10):
        optimiser.zero_grad()
        (queries(tokens) - target).square().mean().backward()
        optimiser.step()
    return queries(tokens).detach()


def test_embeddings_that_arrange_labels_alike_train_alike(embeddings):
    expected = trained(embeddings)
    torch.testing.assert_close(trained(variants(embeddings)["all"]), expected, atol=1e-3, rtol=0)
    assert (trained(embeddings[::-1].copy()) - expected).abs().max() > 0.05


def test_attention_is_what_the_layers_weigh_the_tokens_by(embeddings):
    queries, tokens, seen = network(embeddings).eval(), torch.randn(2, 9, 5), []
    for layer in queries.layers:
        layer.cross_attention.register_forward_hook(
            lambda layer, inputs, output: seen.append(layer.weights(*inputs))
        )
    before = queries(tokens)
    found = queries.attention(tokens)
    assert found.shape == (2, 26, 9) and found.dtype == torch.float32 and not found.requires_grad
    torch.testing.assert_close(found, (seen[0] + seen[1]) / 2)
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 26))
    assert (found[:, 0] - found[:, 1]).abs().max() > 1e-4
    assert torch.equal(queries(tokens), before)
    hooks = [len(layer.cross_attention._forward_pre_hooks) for layer in queries.layers]
    assert hooks == [0, 0]
