"""Reliability before and after temperature scaling."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

MARKS = {
    "as predicted": {"marker": "o", "color": style.LIGHT, "linestyle": "--"},
    "scaled": {"marker": "s", "color": style.DARK},
}


@dataclass(frozen=True)
class Bin:
    """A bin of probabilities.

    Attributes:
        which: as predicted, or scaled.
        labels: in it.
        score: their mean probability; None without a label.
        share: of positives.
    """

    which: str
    labels: int
    score: float | None
    share: float | None


def show(results: Results) -> Iterator[Picture]:
    """Show the ensemble whose classes are shown."""
    shown, ensemble = results.shown
    records = [
        Bin(which, *values)
        for which, bins in ensemble.curves.reliability.items()
        for values in zip(bins.labels, bins.score, bins.share, strict=True)
    ]
    errors = {"as predicted": ensemble.metrics["ECE"], "scaled": ensemble.metrics["ECE_scaled"]}
    temperatures = [f"{fit.temperature:.2f}" for fit in ensemble.calibration.values()]
    row, temperature = f"{shown}, {results.tables[1].data} set", f"T = {', '.join(temperatures)}"
    settings = (records, errors, row, temperature)
    alt = "Reliability diagram: predicted against observed, before and after scaling."
    yield Picture("reliability", Section.CALIBRATION, 1, alt, draw(*settings), caption(*settings), records)


def draw(records: Sequence[Bin], errors: Mapping[str, float | None], row: str, temperature: str) -> Figure:
    """Draw the share of positives against the probability, and how many labels have it.

    Args:
        records: of the bins.
        errors: as predicted and scaled, to its ECE.
        row: what was scored, and on which data.
        temperature: in words.
    """
    ratios = {"height_ratios": (3, 1), "sharex": True}
    figure, ((axes,), (counts,)) = style.canvas(5.4, 6.2, nrows=2, ncols=1, **ratios)
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.9)
    for which, mark in MARKS.items():
        bins = [(b.score, b.share, b.labels) for b in records if b.which == which and b.labels]
        x, y, n = np.array(bins, float).reshape(-1, 3).T
        axes.plot(x, y, label=f"{which}, ECE {text.number(errors[which], 3)}", **mark)
        spread = 2 * np.sqrt(np.clip(y * (1 - y), 0, None) / n)  # of independent labels
        axes.vlines(x, y - spread, y + spread, color=mark["color"], linewidth=0.9)
        counts.plot(x, n, drawstyle="default", **mark)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share of positives")
    counts.set_yscale("log")
    counts.set_ylabel("labels")
    counts.set_xlabel(f"mean probability in a bin, all classes together\n{row}; {temperature}")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def caption(records: Sequence[Bin], errors: Mapping[str, float | None], row: str, temperature: str) -> str:
    """Say what scaling did to the calibration error, and which way the model errs."""
    before, after = (text.number(errors[which], 3) for which in MARKS)
    high = [b for b in records if b.which == "as predicted" and b.labels and b.score > 0.5]
    way = "too low" if sum(b.labels * (b.share - b.score) for b in high) > 0 else "too high"
    return (
        f"{row}: ECE, mean over classes, {before} as predicted and {after} scaled "
        f"({temperature}); probabilities above one half are {way} on the whole. Scaling changes no "
        "ranking. Vertical lines: two standard errors of independent labels."
    )
