from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from cxrlt_core.reporting import plots

NAN = float("nan")
GROUPS = {"Edema": "head", "Mass": "medium", "Hernia": "tail"}
ENTRY = {"AP": 0.4, "AUROC": 0.7, "positive": 5, "known": 50, "group": "head"}
SPLIT = {"patients": 4e-4, "patients_by_seed": 1e-4, "training": 3e-4, "selection": 5e-5}
UNDEFINED = {"AP": None, "AUROC": None, "positive": 0, "known": 0, "group": "tail"}


def distribution(zero: bool) -> Figure:
    counts = {"primary": dict(zip(GROUPS, (50, 9, 0 if zero else 2), strict=True))}
    counts["replenished"] = dict(zip(GROUPS, (90, 9, 3), strict=True))
    return plots.class_distribution(counts, GROUPS, {"primary": 100, "replenished": 200})


FIGURES: dict[str, Callable[[], Figure]] = {
    "distribution": lambda: distribution(False),
    "distribution without positives": lambda: distribution(True),
    "forest": lambda: plots.table_forest([("a", 0.3, 0.2, 0.4), ("b", 0.5, 0.45, 0.6)], "mAP"),
    "forest, undefined row": lambda: plots.table_forest([("a", 0.3, 0.2, 0.4), ("b", NAN, NAN, NAN)], "mAP"),
    "forest, first row undefined": lambda: plots.table_forest(
        [("a", NAN, NAN, NAN), ("b", 0.3, 0.2, 0.4)], "m"
    ),
    "forest, no interval": lambda: plots.table_forest([("a", 0.3, NAN, NAN)], "mAP"),
    "forest, point outside": lambda: plots.table_forest([("a", 0.3, 0.31, 0.4)], "mAP"),
    "variance": lambda: plots.variance_split([SPLIT, {**SPLIT, "selection": 0.0}], ["a", "b"]),
    "variance, one seed": lambda: plots.variance_split([{**SPLIT, "training": None}], ["a"]),
    "prevalence": lambda: plots.ap_against_prevalence(
        {n: {**ENTRY, "positive": k} for k, n in enumerate("abc", 1)}, "t"
    ),
    "prevalence, undefined": lambda: plots.ap_against_prevalence({"a": ENTRY, "b": UNDEFINED}, "t"),
    "prevalence, nothing": lambda: plots.ap_against_prevalence({"b": UNDEFINED}, "t"),
    "choice": lambda: plots.model_choice({"Edema": [0.5, 0.5, 0], "Mass": [0, 0, 1.0]}, ["x", "y", "z"], "t"),
    "curves": lambda: plots.training_curves(
        {f"v{i}": {"epoch": [1, 2], "loss": [0.5, 0.4]} for i in range(12)}
    ),
    "curves, nan": lambda: plots.training_curves({"v": {"epoch": [1, 2], "loss": [0.5, NAN]}}),
    "sheet": lambda: plots.contact_sheet(np.zeros((3, 8, 8), np.uint8), ["a", "b\nc", ""], columns=2),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FIGURES)
def test_draws_the_same_bytes_twice_and_closes(name, tmp_path):
    for file in ("one.png", "two.png"):
        plots.save_figure(FIGURES[name](), tmp_path / file)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert not plt.get_fignums()


def test_a_note_is_drawn(tmp_path):
    for file, note in (("plain.png", ""), ("noted.png", "synthetic")):
        plots.save_figure(plots.table_forest([("a", 0.3, 0.2, 0.45)], "mAP"), tmp_path / file, note)
    plain, noted = (plt.imread(tmp_path / file) for file in ("plain.png", "noted.png"))
    assert noted.shape[0] > plain.shape[0]  # it stands below the figure


def test_the_forest_draws_intervals_where_they_are():
    figure = plots.table_forest([("a", 0.3, 0.2, 0.45), ("b", 0.3, 0.31, 0.4)], "mAP")
    (axes,) = figure.axes
    bars = axes.collections[0].get_segments()
    np.testing.assert_allclose([[p[0] for p in bar] for bar in bars], [[0.2, 0.45], [0.31, 0.4]])
    assert any(
        np.array_equal(line.get_xdata(), [0.3, 0.3]) and line.get_marker() == "o" for line in axes.lines
    )
    plt.close(figure)


def test_close_labels_are_spread():
    heights = plots._spread_labels({"a": (0.0, 0.5), "b": (0.1, 0.5), "c": (0.2, 0.51), "far": (5.0, 0.5)})
    near = sorted(heights[name] for name in "abc")
    assert np.diff(near).min() > 0.025 and heights["far"] == 0.5


def test_contrasts_are_drawn_resolved_or_not_and_undefined(tmp_path):
    names = ("what", "change", "difference", "published", "verdict")
    found = [
        ("TTA", "off → ✓", [0.01, 0.005, 0.02], 0.002, "resolved up"),
        ("MixUp", "off → ✓", [-0.01, -0.02, 0.01], None, "unresolved"),
        ("text encoder", "a → b", [None, None, None], 0.001, "unresolved"),
    ]
    figure = plots.contrast_forest([dict(zip(names, one, strict=True)) for one in found], ["a", "b", "c"])
    axes = figure.axes[0]
    assert axes.get_yticklabels()[0].get_text() == "a"
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["resolved", "unresolved", "published"]
    filled = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "o"][:3]
    assert filled[0] != "white" and filled[1:] == ["white", "white"]
    diamonds = [line for line in axes.lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert [line.get_xdata()[0] for line in diamonds] == [0.002, 0.001]
    plots.save_figure(figure, tmp_path / "contrasts.png")
    assert (tmp_path / "contrasts.png").stat().st_size > 1000
