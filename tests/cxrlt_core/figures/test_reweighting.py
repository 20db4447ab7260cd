from dataclasses import replace

import numpy as np
import pytest
from figure_records import CHANGES, CLASSES, MEANS, weights
from made_results import WEIGHTS, make_contrast, make_results

from cxrlt_core.figures.reweighting import BLOCKS, caption, draw, mean_change, reweighted, show, upweighted
from cxrlt_core.results.models import SeedWeights


def test_upweighted_classes_stand_on_top_the_means_below_and_the_caption_sets_them_against_the_others():
    (axes,) = draw(CLASSES, weights(), CHANGES, MEANS, "reweight").axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["Hernia", "Fibrosis", "Mass", "Edema", "mean: upweighted", "mean: left alone"]
    assert set(BLOCKS) <= {text.get_text() for text in axes.texts}
    diamonds = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == [(0.1, 4), (-0.2, 5)]
    text = caption(upweighted(weights()), MEANS, "reweight")
    assert "upweighted (2) +0.100 [+0.050, +0.150]; left alone (1) −0.200 [−0.300, −0.100]" in text


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
    single = [mean_change(results, pair, [label]).point for label in ("Edema", "Hernia")]
    assert mean_change(results, pair, ["Edema", "Hernia", "Mass"]).point == pytest.approx(np.mean(single))
    alone, together = (mean_change(results, pair, labels) for labels in (["Edema"], ["Edema", "Hernia"]))
    assert together.std_error < alone.std_error  # their resamples are independent here
    assert np.isnan(mean_change(results, pair, ["Mass"]).point)
