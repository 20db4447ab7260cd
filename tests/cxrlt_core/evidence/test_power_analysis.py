import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import nct, t

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.estimator import Interval, Sampled, SeedVariance, VarianceComponents, estimate
from cxrlt_core.evidence.power_analysis import (
    NEVER,
    Need,
    StudySize,
    patients_needed,
    planned,
    power_analysis,
    seeds_needed,
)
from cxrlt_core.evidence.published import IMAGES, reference
from cxrlt_core.system.records import from_json, to_json

PARTS = VarianceComponents(patients=4.0, patients_by_seed=1.0, training=9.0, seed_variance=10.0, dof=8.0)


def sampled(seeds: int = 3, own: float = 1.0, seed: int = 0) -> Sampled:
    generator = np.random.default_rng(seed)
    deviations = generator.normal(0, 2, 3000) + generator.normal(0, own, (seeds, 3000))
    return Sampled(generator.normal(size=seeds), deviations, np.zeros(seeds))


@pytest.mark.parametrize("variance", [0.2, 5.0])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_todays_size_has_todays_error(seeds, variance):
    found = estimate(sampled(seeds), SeedVariance(variance, 8))
    again = planned(found.parts, seeds, seeds)
    assert (again.std_error, again.dof) == pytest.approx((found.std_error, found.dof))
    assert again.detectable(0.95, 10) == pytest.approx(found.detectable(0.95, 10))


def test_the_parts_are_those_that_were_drawn_and_add_up_to_the_variance():
    for own, variance in ((1.0, 5.0), (1.0, 0.2), (30.0, 5.0)):
        found = estimate(sampled(own=own), SeedVariance(variance, 8))
        parts = found.parts
        total = parts.patients + (parts.patients_by_seed + parts.training) / 3
        assert total == pytest.approx(found.std_error**2) and min(parts.patients, parts.training) >= 0
    alone = estimate(sampled(1), None)
    assert alone.parts.patients == pytest.approx(alone.std_error**2) and np.isnan(alone.parts.training)
    # drawn: patients 4, patient × seed 1, and a spread over seeds of 10, 1 of which is patient × seed
    parts = estimate(sampled(), SeedVariance(10.0, 8)).parts
    assert (parts.patients, parts.patients_by_seed, parts.training) == pytest.approx((4, 1, 9), rel=0.1)


def power(difference: float, seeds: int, times: float, tests: int, studies: int = 200_000) -> float:
    """Share of simulated studies whose strictest test resolves a difference; noise known as Student says."""
    generator = np.random.default_rng(0)
    squared = 4 / times + (1 / times + 9) / seeds
    share = min(1, (9 + 1 / times) / seeds / squared)
    dof = (8 + seeds - 3) / share**2
    errors = np.sqrt(squared * generator.chisquare(dof, studies) / dof)
    points = generator.normal(difference, np.sqrt(squared), studies)
    return (points / errors > t.ppf(1 - 0.05 / tests / 2, dof)).mean()


def test_the_seeds_and_patients_needed_are_the_first_with_the_power_promised():
    difference = 9.0
    seeds = seeds_needed(PARTS, 3, difference, 0.95, 10)
    assert power(difference, seeds, 1, 10) == pytest.approx(0.8, abs=0.03)
    assert power(difference, seeds, 1, 10) > 0.795 > power(difference, seeds - 1, 1, 10)
    assert seeds_needed(PARTS, 3, -difference, 0.95, 10) == seeds
    patients = patients_needed(PARTS, 1000, 3, 7.0, 0.95, 1)
    assert power(7.0, 3, patients / 1000, 1) == pytest.approx(0.8, abs=0.005) and 1000 < patients < 10_000


@pytest.mark.parametrize("tests", [1, 10])
def test_both_agree_with_a_search_one_by_one(tests):
    def detectable(seeds, times):
        squared = 4 / times + (1 / times + 9) / seeds
        dof = (5 + seeds) / min(1, (9 + 1 / times) / seeds / squared) ** 2
        bound = t.ppf(1 - 0.05 / tests / 2, dof)
        return lambda difference: nct.sf(bound, dof, difference / np.sqrt(squared)) >= 0.8

    first = next(s for s in range(3, 1001) if detectable(s, 1)(9.0))
    assert seeds_needed(PARTS, 3, 9.0, 0.95, tests) == first
    first = next(n for n in range(10, 10_000) if detectable(3, n / 10)(11.0))
    assert patients_needed(PARTS, 10, 3, 11.0, 0.95, tests) == first


LIMIT = (2.80703 + 0.84162) * 2  # ten tests, a standard error of 2 by patients however many seeds


@pytest.mark.parametrize(
    ("difference", "seeds", "patients"),
    [
        (0.0, NEVER, NEVER),
        (3.0, NEVER, NEVER),
        (LIMIT * 0.999, NEVER, NEVER),
        (LIMIT * 1.0001, "more than 1,000", NEVER),
        (1000.0, 3, 50),  # no fewer than there are
    ],
)
def test_where_the_other_noise_alone_is_too_much_no_number_will_do(difference, seeds, patients):
    assert {seeds_needed(PARTS, now, difference, 0.95, 10) for now in (3, 5)} == {seeds}
    assert patients_needed(PARTS, 50, 3, difference, 0.95, 10) == patients


def test_patients_resolve_anything_without_noise_of_trainings_and_average_selection():
    quiet = VarianceComponents(4.0, 1.0, 0.0, 0.5, 8.0)
    found = patients_needed(quiet, 50, 3, 2.0, 0.95, 10)
    assert planned(quiet, 3, 3, found / 50).detectable(0.95, 10) <= 2.0
    assert planned(quiet, 3, 3, (found - 1) / 50).detectable(0.95, 10) > 2.0
    assert patients_needed(quiet, 50, 3, 1e-6, 0.95, 10) == "more than 50,000"
    # selection is noise of patients, which seeds do not average
    chosen = VarianceComponents(4.0, 1.0, 9.0, 10.0, 8.0, selection=5.0)
    gap = planned(chosen, 3, 10, 2).std_error ** 2 - planned(PARTS, 3, 10, 2).std_error ** 2
    assert gap == pytest.approx(2.5)


def test_a_search_goes_to_the_last_number_and_no_further():
    for seeds, found in ((1000, 1000), (1001, "more than 1,000")):
        difference = planned(PARTS, 3, seeds).detectable(0.95, 1) * (1 + 1e-9)
        assert seeds_needed(PARTS, 3, difference, 0.95, 1) == found


@pytest.mark.parametrize(
    ("parts", "seeds", "error", "dof"),
    [
        ((4.0, 0.0, np.nan, np.nan, np.nan), 3, np.nan, np.inf),
        ((0.0, 0.0, 0.0, 0.0, 8.0), 3, 0, np.inf),
        ((0.0, 1.0, 0.0, 4.0, 8.0), 3, (1 / 3) ** 0.5, 8),  # seeds are no more than all of the variance,
        ((0.0, 1.0, 0.0, 4.0, 8.0), 5, (1 / 5) ** 0.5, 10),  # so it is known at least as well as their spread
    ],
)
def test_plans_at_the_edges(parts, seeds, error, dof):
    plan = planned(VarianceComponents(*parts), 3, seeds)
    assert (plan.point, plan.std_error, plan.dof) == pytest.approx((0, error, dof), nan_ok=True)


SMALL = VarianceComponents(4e-4, 1e-4, 9e-4, 1e-3, 8.0, 1e-5)
SIZE = StudySize("dev", 1000, 900, 3, 0.95, intervals=2, margin=0.09)


def contrast(parts=SMALL, family="primary", published=0.003) -> Contrast:
    nothing = Interval(None, None, None)
    return Contrast(
        "TTA", "off → ✓", ["b", "a"], family, (None, None), None, None, "unresolved",
        Interval(0.04, 0.0, 0.1), None, published, {}, {}, nothing, parts,
    )  # fmt: skip


def test_each_contrast_is_analysed_at_the_level_of_its_family():
    contrasts = [contrast(), contrast(), contrast(None), contrast(family="exploratory", published=None)]
    analysis = power_analysis(contrasts, SIZE)
    first, _, undefined, added = analysis.contrasts
    parts = {"patients": 4e-4, "patients_by_seed": 1e-4 / 3, "training": 3e-4, "selection": 1e-5}
    assert first.variance == pytest.approx(parts, rel=1e-3)
    assert first.std_error == pytest.approx(planned(SMALL, 3, 3).std_error, abs=5e-5)
    assert first.detectable == pytest.approx(planned(SMALL, 3, 3).detectable(0.95, 2), abs=5e-5)
    assert first.margin.seeds == seeds_needed(SMALL, 3, 0.09, 0.95, 2)
    assert first.margin.patients == patients_needed(SMALL, 900, 3, 0.09, 0.95, 2)
    assert first.published == Need(0.003, NEVER, NEVER) and first.claim.resolvable is False
    apart = {f"{c:g}": round(reference(IMAGES["dev"], c, 0.95, 2), 4) for c in (0.9, 0.95)}
    assert analysis.reference == apart and analysis.published_images == IMAGES["dev"]
    assert undefined.variance is undefined.margin is None
    assert added.published is added.claim is None
    assert added.margin.seeds == seeds_needed(SMALL, 3, 0.09, 0.95, 1)
    content = json.loads(json.dumps(to_json(analysis), allow_nan=False))
    assert from_json(type(analysis), content) == analysis
    assert from_json(list[Contrast], json.loads(json.dumps(to_json(contrasts)))) == contrasts


def test_one_seed_tells_nothing_of_seeds():
    alone = VarianceComponents(4e-4, 0.0, np.nan, np.nan, np.nan)
    [found] = power_analysis([contrast(alone)], replace(SIZE, split="test", seeds=1)).contrasts
    assert found.margin == Need(0.09, None, None) and found.std_error == 0.02
    assert found.variance["training"] is found.variance["patients_by_seed"] is None
    assert found.detectable is found.claim.trainings is None
