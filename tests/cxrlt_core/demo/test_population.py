import numpy as np
import pytest

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.population import (
    LOADINGS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Population,
    draw_population,
    prevalence,
)

SETS = {"train": 2000, "dev": 1000, "test": 2000}


@pytest.fixture(scope="module")
def population() -> Population:
    return draw_population(SETS, np.random.default_rng(7))


def test_sets_have_the_sizes_asked_for_and_share_no_patient(population):
    images = population.images
    assert images["set"].value_counts().to_dict() == SETS
    assert (images.groupby("patient")["set"].nunique() == 1).all()
    assert (images.groupby("study")["patient"].nunique() == 1).all()
    first = np.searchsorted(images["study"], images["study"])
    assert (population.findings == population.findings[first]).all()
    assert (population.reported == population.reported[first]).all()
    assert images.groupby("patient").size().mean() > 1.5
    assert images.groupby("study").size().mean() > 1.2
    assert (images["position"] == images.groupby("study").cumcount()).all()
    share = images["view"].value_counts(normalize=True)
    assert set(share.index) == {"PA", "AP", "LATERAL"} and 0.07 < share["LATERAL"] < 0.14
    frontal = draw_population({"a": 500}, np.random.default_rng(0), laterals=False)
    assert set(frontal.images["view"]) == {"PA", "AP"}


def test_prevalence_follows_the_formula_and_loadings_leave_room_for_noise():
    share = dict(zip(CLASSES, prevalence(), strict=True))
    assert share["Support Devices"] == pytest.approx(89_140 / 264_849)
    assert share["Pneumoperitoneum"] == 0.01
    p, highest = 4_361 / 264_849, 89_140 / 264_849
    assert share["Calcification of the Aorta"] == pytest.approx(p**0.7 * highest**0.3)
    assert set(LOADINGS) == set(CLASSES) - {"No Finding"}
    assert all(np.square(loading).sum() < 1 for loading in LOADINGS.values())


def test_every_set_meets_the_prevalence(population):
    for name in SETS:
        rows = population.images["set"] == name
        first = rows & (population.images["position"] == 0)
        share = population.findings[first].mean(axis=0)
        np.testing.assert_allclose(share, prevalence(), atol=0.004)


def test_no_finding_excludes_all_but_devices(population):
    for table in (population.findings, population.reported):
        normal = table[table[:, NO_FINDING]]
        assert not np.delete(normal, [NO_FINDING, SUPPORT_DEVICES], axis=1).any()
        assert normal[:, SUPPORT_DEVICES].any()


def test_labels_miss_seven_percent_and_raise_as_many_false_alarms(population):
    first = (population.images["position"] == 0).to_numpy()
    truth, said = population.findings[first], population.reported[first]
    missed, alarms = (truth & ~said).sum(axis=0), (~truth & said).sum(axis=0)
    np.testing.assert_array_equal(missed, alarms)
    np.testing.assert_allclose(missed, 0.07 * truth.sum(axis=0), atol=2)
    assert missed.sum() > 0


def test_findings_of_one_factor_go_together(population):
    correlation = np.corrcoef(population.findings.T)
    at = CLASSES.index
    assert correlation[at("Cardiomegaly"), at("Edema")] > 0.25
    assert correlation[at("Pneumonia"), at("Consolidation")] > 0.2
    assert correlation[at("Pneumonia"), at("Tortuous Aorta")] < 0.1


def test_the_seed_decides():
    one, same = (draw_population({"a": 200}, np.random.default_rng(1)) for _ in range(2))
    other = draw_population({"a": 200}, np.random.default_rng(2))
    assert one.images.equals(same.images)
    assert (one.reported == same.reported).all()
    assert (one.findings != other.findings).any()


def test_small_sets():
    for count in (1, 2, 7, 60):
        small = draw_population({"train": count, "test": count}, np.random.default_rng(0))
        assert small.findings.shape == (2 * count, 26)
    for name in ("train", "test"):
        assert (small.findings[small.images["set"] == name].sum(axis=0) >= 1).all()
