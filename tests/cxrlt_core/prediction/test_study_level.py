import numpy as np
import pytest

from cxrlt_core.prediction.study_level import aggregate

WEIGHTS = {"PA": 7, "AP": 7, "FRONTAL": 7, "LATERAL": 3, "OTHER": 5}


def naive(probabilities, studies, views, weights):
    means = np.empty_like(probabilities)
    for i, study in enumerate(studies):
        rows = [k for k, other in enumerate(studies) if other == study]
        for c in range(probabilities.shape[1]):
            total = sum(weights[views[k]] * float(probabilities[k, c]) for k in rows)
            means[i, c] = total / sum(weights[views[k]] for k in rows)
    return means


def draw(images=60, classes=4, studies=17):
    generator = np.random.default_rng(0)
    probabilities = generator.random((images, classes)).astype(np.float32)
    names = [f"s{k}" for k in generator.integers(0, studies, images)]
    return probabilities, names, generator.choice(list(WEIGHTS), images).tolist()


@pytest.mark.parametrize("count", [1, 17, 10**9], ids=["one study", "some studies", "a study an image"])
@pytest.mark.parametrize(
    ("rule", "weights"), [("mean", dict.fromkeys(WEIGHTS, 1)), ("view_weighted", WEIGHTS)]
)
def test_is_the_weighted_mean_of_the_study(rule, weights, count):
    probabilities, studies, views = draw(studies=count)
    found = aggregate(probabilities, studies, views, rule)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, naive(probabilities, studies, views, weights), rtol=1e-6)


def test_the_published_weights_and_other_rules():
    probabilities, studies, views = draw()
    assert aggregate(probabilities, studies, views, "none") is probabilities
    with pytest.raises(ValueError, match="found 'max'"):
        aggregate(probabilities, studies, views, "max")
    probabilities = np.array([[1.0], [0.0], [0.0]])
    found = aggregate(probabilities, ["s"] * 3, ["PA", "LATERAL", "OTHER"], "view_weighted")
    np.testing.assert_allclose(found, 7 / 15)
