"""Reliability before and after temperature scaling."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.models import Ensemble
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

FEWEST = 10  # labels of a bin that is shown: of fewer the share says nothing and the score is an image's
#: Curve to the metric of its error, and its look.
MARKS = {
    "as predicted": ("ECE", {"marker": "o", "color": style.LIGHT, "linestyle": "--"}),
    "scaled": ("ECE_scaled", {"marker": "s", "color": style.DARK}),
}


def show(results: Results) -> Iterator[Picture]:
    """Show the ensemble whose classes are shown."""
    shown, ensemble = results.shown
    records = [
        {
            "which": which,
            "labels": n,
            "score": score if n >= FEWEST else None,
            "share": share if n >= FEWEST else None,
        }
        for which, bins in ensemble.curves.reliability.items()
        for n, score, share in zip(bins.labels, bins.score, bins.share, strict=True)
    ]
    row = f"{shown}, {results.tables[1].data} set"
    alt = "Reliability diagram: predicted against observed, before and after scaling."
    drawing, words = draw(ensemble, row), caption(ensemble, row)
    yield Picture("reliability", Section.CALIBRATION, 1, alt, drawing, words, records)


def draw(ensemble: Ensemble, row: str) -> Figure:
    """Draw the share of positives against the probability, and how many labels have it."""
    ratios = {"height_ratios": (3, 1), "sharex": True}
    figure, ((axes,), (counts,)) = style.canvas(5.4, 6.2, nrows=2, ncols=1, **ratios)
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.9)
    for which, (metric, mark) in MARKS.items():
        bins = ensemble.curves.reliability[which]
        x, y, n = np.array([bins.score, bins.share, bins.labels], float)[:, np.array(bins.labels) >= FEWEST]
        axes.plot(x, y, label=f"{which}, ECE {text.number(ensemble.metrics[metric], 3)}", **mark)
        spread = 2 * np.sqrt(np.clip(y * (1 - y), 0, None) / n)  # of independent labels
        axes.vlines(x, y - spread, y + spread, color=mark["color"], linewidth=0.9)
        counts.plot(x, n, drawstyle="default", **mark)
    axes.set(ylim=(-0.02, 1.02), ylabel="share of positives")
    words = f"mean probability in a bin, all classes together\n{row}; {_temperatures(ensemble)}"
    most = max(FEWEST, *(n for bins in ensemble.curves.reliability.values() for n in bins.labels))
    counts.set(yscale="log", ylim=(FEWEST / 2, 2 * most), ylabel="labels", xlabel=words)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def _temperatures(ensemble: Ensemble) -> str:
    return f"T = {', '.join(f'{fit.temperature:.2f}' for fit in ensemble.calibration.values())}"


def caption(ensemble: Ensemble, row: str) -> str:
    """Say what scaling did to the calibration error, and which way the model errs."""
    errors = [f"{text.number(ensemble.metrics[metric], 3)} {which}" for which, (metric, _) in MARKS.items()]
    bins = ensemble.curves.reliability["as predicted"]
    known = [values for values in zip(bins.labels, bins.share, bins.score, strict=True) if values[0]]
    low = sum(labels * (share - score) for labels, share, score in known if score > 0.5)
    return (
        f"{row}: ECE, mean over classes, {' and '.join(errors)} ({_temperatures(ensemble)}); probabilities "
        f"above one half are {'too low' if low > 0 else 'too high'} on the whole. "
        "Scaling changes no ranking. Vertical lines: two standard errors of independent labels. "
        f"Bins of fewer than {FEWEST} labels are not shown."
    )
