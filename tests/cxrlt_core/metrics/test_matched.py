import numpy as np
import pytest
from naive_metrics import random_set
from sklearn.metrics import average_precision_score

from cxrlt_core.metrics.bootstrap import every_image_once, resample_patients
from cxrlt_core.metrics.matched import resample_matched
from cxrlt_core.metrics.scores import average_precision


def weighted(targets: np.ndarray, scores: np.ndarray, prevalence: float) -> float:
    """The same by scikit-learn: positives and negatives weighted to the prevalence."""
    known = targets != -1
    positive, scores = targets[known] == 1, scores[known]
    share = positive.mean()
    weights = np.where(positive, prevalence / share, (1 - prevalence) / (1 - share))
    return average_precision_score(positive, scores, sample_weight=weights)


@pytest.mark.parametrize("decimals", [1, 12])
def test_it_is_ap_weighted_to_the_prevalence_in_every_resample(decimals):
    targets, scores = random_set(3, decimals)
    prevalence = np.linspace(0.05, 0.6, targets.shape[1])
    patients = np.arange(len(targets)) // 2
    draws = resample_patients(patients, 8, seed=0)
    found = resample_matched(targets, scores, prevalence, draws)
    for b, counts in enumerate(draws.counts.T):
        drawn = np.repeat(np.arange(len(targets)), counts[draws.patient])
        expected = [
            weighted(targets[drawn, c], scores[drawn, c], share) for c, share in enumerate(prevalence)
        ]
        np.testing.assert_allclose(found[b], expected, atol=1e-12)


def test_at_its_own_prevalence_it_is_ap_and_without_one_it_is_undefined():
    targets, scores = random_set(5, 3)
    targets[:, 0] = 0
    own = [(column == 1).sum() / (column != -1).sum() for column in targets.T]
    found = resample_matched(targets, scores, own, every_image_once(len(targets)))[0]
    np.testing.assert_allclose(found, average_precision(targets, scores), atol=1e-12)
    assert np.isnan(found[0]) and np.isfinite(found[1:]).all()
    for share in (0.0, 1.0, np.nan):
        none = resample_matched(targets, scores, [share] * len(own), every_image_once(len(targets)))
        assert np.isnan(none).all()


def test_it_is_what_dropping_positives_gives_where_plain_ap_is_not():
    """Half of the positives of one hospital are in another; dropped at random, again and again."""
    generator = np.random.default_rng(0)
    targets = (generator.random(4000) < 0.3).astype(np.int8)
    scores = generator.normal(targets * 1.2)
    positives, negatives = np.flatnonzero(targets == 1), np.flatnonzero(targets == 0)

    def half() -> float:
        kept = np.concatenate([generator.choice(positives, len(positives) // 2, replace=False), negatives])
        return average_precision_score(targets[kept], scores[kept])

    share = len(positives) // 2 / (len(positives) // 2 + len(negatives))
    column = targets[:, None], scores[:, None]
    [[matched]] = resample_matched(*column, [share], every_image_once(len(targets)))
    dropped = np.mean([half() for _ in range(200)])
    assert matched == pytest.approx(dropped, abs=0.002)
    assert average_precision(*column)[0] > dropped + 0.05
