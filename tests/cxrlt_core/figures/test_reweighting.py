from dataclasses import replace

import numpy as np
import pytest
from figure_records import CHANGES, CLASSES, MEANS, weights
from made_results import WEIGHTS, make_contrast, make_results

from cxrlt_core.evidence.estimator import Sampled
from cxrlt_core.evidence.scoring import Score, ap_of
from cxrlt_core.figures.reweighting import BLOCKS, caption, draw, mean_change, reweighted, show, upweighted
from cxrlt_core.results.models import SeedWeights


def test_upweighted_classes_stand_on_top_the_means_below_and_the_caption_sets_them_against_the_others():
    (axes,) = draw(CLASSES, weights(), CHANGES, MEANS, "reweight").axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["Hernia", "Fibrosis", "Mass", "Edema", "mean: upweighted", "mean: left alone"]
    assert set(BLOCKS) <= {text.get_text() for text in axes.texts}
    diamonds = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == [(0.1, 4), (-0.2, 5)]
    text = caption(MEANS, "reweight", 2)
    assert "upweighted +0.100 [+0.050, +0.150]; left alone −0.200 [−0.300, −0.100]" in text
    assert "compared with the other seeds" in text and "compared" not in caption(MEANS, "reweight", 1)


def test_it_is_shown_where_reweighting_is_switched_on(smoke):
    changes = (("reweight", "3 → 2"), ("TTA", "off → ✓"), ("reweight", "off → 2"))
    contrasts = [make_contrast(what=what, change=change) for what, change in changes]
    assert reweighted(contrasts) is contrasts[2] and reweighted(contrasts[:2]) is None
    assert not list(show(make_results(smoke)))


def test_classes_are_upweighted_by_all_seeds_some_or_none():
    other = SeedWeights(0.25, {"Edema": 1.0, "Hernia": 2.0, "Mass": 2.0})
    both = replace(WEIGHTS, seeds={**WEIGHTS.seeds, "1": other})
    expected = {"upweighted": ["Hernia"], "in some seeds": ["Mass"], "left alone": ["Edema"]}
    assert upweighted(both) == expected
    assert list(upweighted(WEIGHTS)) == ["upweighted", "left alone"]


def test_the_mean_of_a_block_is_that_of_its_defined_classes(smoke):
    results, pair = make_results(smoke), ["base+tta", "base"]
    all_up = replace(WEIGHTS, seeds={"0": SeedWeights(0.25, dict.fromkeys(("Edema", "Hernia", "Mass"), 2.0))})
    hernia, edema = (mean_change(results, pair, WEIGHTS, up) for up in (True, False))
    every, nothing = (mean_change(results, pair, all_up, up) for up in (True, False))
    assert every.point == pytest.approx((hernia.point + edema.point) / 2)
    assert every.std_error < edema.std_error  # their resamples are independent here
    assert np.isnan(nothing.point)


def test_what_a_seed_of_the_base_did_poorly_by_chance_is_no_gain(smoke):
    """Rows that are the same but for chance: a seed puts up the classes that it had bad luck with."""
    generator, seeds = np.random.default_rng(0), range(3)
    labels = [f"class {n}" for n in range(300)]
    base, other = generator.normal(0.3, 0.05, (2, len(labels), 3))
    chosen = {str(s): dict(zip(labels, np.where(base[:, s] < 0.3, 2.0, 1.0), strict=True)) for s in seeds}
    weights = replace(WEIGHTS, seeds={s: SeedWeights(0.3, its) for s, its in chosen.items()})
    cells = generator.normal(0, 0.01, (3, 50))
    scores = {
        row: Score(
            {ap_of(c): Sampled(its, cells, np.zeros(3)) for c, its in zip(labels, of, strict=True)}, {}
        )
        for row, of in (("base", base), ("other", other))
    }
    made = make_results(smoke)
    results = replace(made, scored=replace(made.scored, scores=scores))
    naive = np.mean([(other - base)[base[:, s] < 0.3, s].mean() for s in seeds])
    assert naive > 0.03 and abs(mean_change(results, ["other", "base"], weights, True).point) < 0.01
