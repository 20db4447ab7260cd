import numpy as np

from cxrlt_core.designs.hooks import Context
from cxrlt_core.designs.repeat_factor import Settings, order, repeat_factors


def targets() -> np.ndarray:
    """1,000 images: the first class in 40 %, the second in 1 %, the third unknown but once."""
    labels = np.zeros((1000, 3), np.int8)
    labels[:400, 0], labels[395:405, 1], labels[:, 2] = 1, 1, -1
    labels[999, 2] = 1
    return labels


def test_an_image_is_repeated_as_its_rarest_positive_class_asks_for():
    factors = repeat_factors(targets(), 0.04)
    expected = np.ones(1000)
    expected[395:405], expected[999] = (0.04 / 0.01) ** 0.5, (0.04 / 0.001) ** 0.5
    np.testing.assert_allclose(factors, expected)
    draw = order(Settings(threshold=0.04), Context(targets(), ["a", "b", "c"], 10, 5, None))
    generator = np.random.default_rng(0)
    epochs = [draw(generator) for _ in range(300)]
    assert all(len(epoch) == 1000 for epoch in epochs)
    counts = np.bincount(np.concatenate(epochs), minlength=1000) / 300
    np.testing.assert_allclose(counts[[400, 999]], factors[[400, 999]] * 1000 / factors.sum(), rtol=0.05)


def test_nothing_rare_shows_every_image_once():
    context = Context(np.ones((50, 2), np.int8), ["a", "b"], 10, 5, None)
    epoch = order(Settings(threshold=0.1), context)(np.random.default_rng(0))
    assert sorted(epoch) == list(range(50)) and list(epoch) != list(range(50))
