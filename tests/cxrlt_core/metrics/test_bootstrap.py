import numpy as np
import pytest
import torch

from cxrlt_core.metrics import bootstrap
from cxrlt_core.metrics.bootstrap import PatientResamples, centred, every_image_once, resample_patients

CPU = torch.device("cpu")
PATIENTS = ["p1", "p2", "p1", "p3", "p2", "p1", "p4"]


def image_weights(resamples: PatientResamples) -> np.ndarray:
    return torch.cat(list(resamples.chunks(CPU)), dim=1).numpy()[resamples.patient]


def test_as_many_patients_as_there_are_are_drawn_and_all_images_of_one_count_alike():
    resamples = resample_patients(PATIENTS, 200, seed=0)
    assert resamples.counts.dtype == np.uint8 and resamples.counts.shape == (4, 200) and len(resamples) == 200
    assert (resamples.counts.sum(axis=0) == 4).all()
    weights = image_weights(resamples)
    assert weights.shape == (7, 200) and weights.std() > 0
    for number, patient in enumerate(sorted(set(PATIENTS))):
        assert (weights[[p == patient for p in PATIENTS]] == resamples.counts[number]).all()
    # every patient is drawn once on average
    counts = resample_patients(np.arange(50), 2000, seed=1).counts
    np.testing.assert_allclose(counts.mean(axis=1), 1, atol=0.12)
    np.testing.assert_allclose(counts.var(axis=1), 1 - 1 / 50, atol=0.2)


def test_resamples_depend_on_the_seed_alone_and_fewer_are_the_first_of_more():
    resamples = resample_patients(PATIENTS, 50, seed=3)
    np.testing.assert_array_equal(resamples.counts, resample_patients(PATIENTS, 50, seed=3).counts)
    assert (resamples.counts != resample_patients(PATIENTS, 50, seed=4).counts).any()
    for fewer in (resample_patients(PATIENTS, 20, seed=3), resamples.first(20)):
        np.testing.assert_array_equal(resamples.counts[:, :20], fewer.counts)
    assert len(resamples.first(99)) == 50
    backwards = resample_patients(PATIENTS[::-1], 50, seed=3)
    np.testing.assert_array_equal(image_weights(resamples), image_weights(backwards)[::-1])


def test_one_patient_is_drawn_every_time_and_none_never():
    assert (image_weights(resample_patients(["p"] * 3, 10, seed=0)) == np.ones((3, 10))).all()
    assert (image_weights(every_image_once(5)) == np.ones((5, 1))).all()
    nobody = resample_patients([], 10, seed=0)
    assert nobody.counts.shape == (0, 10) and image_weights(nobody).shape == (0, 10)


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


@pytest.mark.parametrize(("at_once", "width"), [(0, 8), (4 * 9, 9), (4 * 50, 50)])
def test_chunks_are_the_resamples_in_parts(monkeypatch, at_once, width):
    monkeypatch.setitem(bootstrap.AT_ONCE, "cpu", at_once)
    resamples = resample_patients(PATIENTS, 50, seed=3)
    parts = list(resamples.chunks(CPU))
    assert parts[0].shape == (4, width)
    np.testing.assert_array_equal(torch.cat(parts, dim=1), resamples.counts)
