"""Reliability before and after temperature scaling."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.results.models import Ensemble
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

BEFORE, AFTER = "as predicted", "scaled"
MARKS = {
    BEFORE: {"marker": "o", "color": style.LIGHT, "linestyle": "--"},
    AFTER: {"marker": "s", "color": style.DARK},
}


def show(results: Results) -> Iterator[Picture]:
    """Show the ensemble whose classes are shown."""
    shown, ensemble = results.shown
    records = [
        {"which": which, **dict(zip(vars(bins), values, strict=True))}
        for which, bins in ensemble.curves.reliability.items()
        for values in zip(*vars(bins).values(), strict=True)
    ]
    row = f"{shown}, {results.tables[1].data} set"
    alt = "Reliability diagram: predicted against observed, before and after scaling."
    drawing, words = draw(ensemble, row), caption(ensemble, row)
    yield Picture("reliability", Section.CALIBRATION, 1, alt, drawing, words, records)


def draw(ensemble: Ensemble, row: str) -> Figure:
    """Draw the share of positives against the probability, and how many labels have it.

    Args:
        ensemble: that was scored.
        row: its name, and on which data.
    """
    ratios = {"height_ratios": (3, 1), "sharex": True}
    figure, ((axes,), (counts,)) = style.canvas(5.4, 6.2, nrows=2, ncols=1, **ratios)
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.9)
    for (which, mark), error in zip(MARKS.items(), _errors(ensemble), strict=True):
        bins = ensemble.curves.reliability[which]
        x, y, n = np.array([bins.score, bins.share, bins.labels], float)[:, np.array(bins.labels) > 0]
        axes.plot(x, y, label=f"{which}, ECE {error}", **mark)
        spread = 2 * np.sqrt(np.clip(y * (1 - y), 0, None) / n)  # of independent labels
        axes.vlines(x, y - spread, y + spread, color=mark["color"], linewidth=0.9)
        counts.plot(x, n, drawstyle="default", **mark)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share of positives")
    counts.set_yscale("log")
    counts.set_ylabel("labels")
    counts.set_xlabel(f"mean probability in a bin, all classes together\n{row}; {_temperatures(ensemble)}")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def _errors(ensemble: Ensemble) -> tuple[str, str]:
    """Return ECE as predicted and scaled."""
    before, after = (text.number(ensemble.metrics[name], 3) for name in ("ECE", "ECE_scaled"))
    return before, after


def _temperatures(ensemble: Ensemble) -> str:
    return f"T = {', '.join(f'{fit.temperature:.2f}' for fit in ensemble.calibration.values())}"


def caption(ensemble: Ensemble, row: str) -> str:
    """Say what scaling did to the calibration error, and which way the model errs."""
    before, after = _errors(ensemble)
    bins = ensemble.curves.reliability[BEFORE]
    known = [values for values in zip(bins.labels, bins.share, bins.score, strict=True) if values[0]]
    low = sum(labels * (share - score) for labels, share, score in known if score > 0.5)
    way = "too low" if low > 0 else "too high"
    return (
        f"{row}: ECE, mean over classes, {before} as predicted and {after} scaled "
        f"({_temperatures(ensemble)}); probabilities above one half are {way} on the whole. "
        "Scaling changes no ranking. Vertical lines: two standard errors of independent labels."
    )
