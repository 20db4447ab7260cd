import numpy as np
import pytest
import torch

from cxrlt_core.metrics import bootstrap
from cxrlt_core.metrics.bootstrap import PatientResamples, centred, every_image_once, resample_patients

CPU = torch.device("cpu")
PATIENTS = ["p1", "p2", "p1", "p3", "p2", "p1", "p4"]


def image_weights(resamples: PatientResamples) -> np.ndarray:
    return torch.cat(list(resamples.chunks(CPU)), dim=1).numpy()[resamples.patient]


def test_all_images_of_a_patient_count_alike():
    resamples = resample_patients(PATIENTS, 200, seed=0)
    weights = image_weights(resamples)
    assert weights.shape == (7, 200) and weights.std() > 0
    for number, patient in enumerate(sorted(set(PATIENTS))):
        rows = weights[[p == patient for p in PATIENTS]]
        assert (rows == resamples.counts[number]).all()


def test_each_resample_has_as_many_patients_as_there_are():
    resamples = resample_patients(PATIENTS, 200, seed=0)
    assert resamples.counts.dtype == np.uint8 and resamples.counts.shape == (4, 200) and len(resamples) == 200
    assert (resamples.counts.sum(axis=0) == 4).all()


def test_every_patient_is_drawn_once_on_average():
    counts = resample_patients(np.arange(50), 2000, seed=1).counts
    np.testing.assert_allclose(counts.mean(axis=1), 1, atol=0.12)
    np.testing.assert_allclose(counts.var(axis=1), 1 - 1 / 50, atol=0.2)


def test_draws_depend_on_the_seed_alone():
    counts = resample_patients(PATIENTS, 50, seed=3).counts
    np.testing.assert_array_equal(counts, resample_patients(PATIENTS, 50, seed=3).counts)
    assert (counts != resample_patients(PATIENTS, 50, seed=4).counts).any()


def test_fewer_resamples_are_the_first_of_more():
    resamples, fewer = (resample_patients(PATIENTS, count, seed=3) for count in (50, 20))
    np.testing.assert_array_equal(resamples.first(20).counts, fewer.counts)
    assert len(fewer.first(99)) == 20


def test_order_of_the_images_does_not_matter():
    first, other = resample_patients(PATIENTS, 20, seed=3), resample_patients(PATIENTS[::-1], 20, seed=3)
    np.testing.assert_array_equal(image_weights(first), image_weights(other)[::-1])


def test_the_set_itself_may_stand_before_its_resamples():
    resamples = resample_patients(PATIENTS, 9, seed=0)
    both = resamples.with_original()
    assert len(both) == 10 and both.counts.dtype == np.uint8 and (both.counts[:, 0] == 1).all()
    np.testing.assert_array_equal(both.counts[:, 1:], resamples.counts)


@pytest.mark.filterwarnings("error")
def test_undefined_samples_deviate_by_nothing():
    mean, deviations = centred(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]), axis=1)
    np.testing.assert_array_equal(mean, [[2], [np.nan]])
    np.testing.assert_array_equal(deviations, [[-1, 0, 1], [0, 0, 0]])


@pytest.mark.parametrize(
    ("resamples", "shape"),
    [
        (every_image_once(5), (5, 1)),
        (resample_patients(["p"] * 3, 10, seed=0), (3, 10)),
        (resample_patients([], 10, seed=0), (0, 10)),
    ],
)
def test_one_patient_or_none_is_drawn_every_time(resamples, shape):
    assert len(resamples) == shape[1] and (image_weights(resamples) == np.ones(shape)).all()


@pytest.mark.parametrize(("at_once", "width"), [(0, 8), (4 * 9, 9), (4 * 50, 50)])
def test_chunks_are_the_draws_in_parts(monkeypatch, at_once, width):
    monkeypatch.setitem(bootstrap.AT_ONCE, "cpu", at_once)
    resamples = resample_patients(PATIENTS, 50, seed=3)
    parts = list(resamples.chunks(CPU))
    assert parts[0].shape == (4, width)
    np.testing.assert_array_equal(torch.cat(parts, dim=1), resamples.counts)
