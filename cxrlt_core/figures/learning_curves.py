"""Training loss, and development mAP where it was monitored, epoch by epoch."""

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.results.models import Epoch
from cxrlt_core.results.study import Results

PANELS = {"loss": "training loss", "dev_mAP": "mAP of a development sample"}
MARKED = 20  # epochs up to which each has a mark


def show(results: Results) -> Iterator[Picture]:
    """Show the trainings of all variants."""
    epochs = results.history
    alt = "Curves of training, a line a variant."
    records = [vars(epoch) for epoch in epochs]
    yield Picture("learning_curves", Section.TRAINING, 1, alt, draw(epochs), caption(epochs), records)


def draw(records: Sequence[Epoch]) -> Figure:
    """Draw a line a variant, the mean of its seeds, over their range; with one epoch, a dot."""
    panels = [key for key in PANELS if any(_known(epoch, key) for epoch in records)]
    names = list(dict.fromkeys(epoch.variant for epoch in records))
    if max(epoch.epoch for epoch in records) == 1:
        return _dots(records, panels, names)
    figure, axes = style.canvas(3.0 * len(panels) + 0.1 * len(names), nrows=len(panels), ncols=1, sharex=True)
    for key, (panel,) in zip(panels, axes, strict=True):
        for name, look in zip(names, cycle(style.SERIES), strict=False):
            by_epoch = _by_epoch(records, name, key)
            mark = look["marker"] if len(by_epoch) <= MARKED else ""
            means = [np.mean(values) for values in by_epoch.values()]
            panel.plot(list(by_epoch), means, label=name, **{**look, "marker": mark, "markersize": 4.5})
            ends = zip(*((min(values), max(values)) for values in by_epoch.values()), strict=True)
            panel.fill_between(list(by_epoch), *ends, color=look["color"], alpha=0.15, linewidth=0)
        panel.set_ylabel(PANELS[key])
        panel.xaxis.get_major_locator().set_params(integer=True)
    several = len({epoch.seed for epoch in records}) > 1
    axes[-1, 0].set_xlabel("epoch; line: mean of the seeds, shade: their range" if several else "epoch")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def _dots(records: Sequence[Epoch], panels: Sequence[str], names: Sequence[str]) -> Figure:
    """Draw one epoch: a line of the page a variant, a dot a seed."""
    height = 0.9 + style.LINE * len(names)
    figure, axes = style.canvas(height, nrows=1, ncols=len(panels), sharey=True)
    for key, panel in zip(panels, axes[0], strict=True):
        style.lines(panel, names)
        for y, name in enumerate(names):
            for values in _by_epoch(records, name, key).values():
                panel.plot(values, [y] * len(values), "o", color=style.DARK, markerfacecolor="none")
        panel.set_xlabel(f"{PANELS[key]}, one epoch")
    return figure


def _known(epoch: Epoch, key: str) -> bool:
    value = getattr(epoch, key)
    return value is not None and bool(np.isfinite(value))


def _by_epoch(records: Sequence[Epoch], name: str, key: str) -> dict[int, list[float]]:
    """Return epoch to the values of the seeds, where there are any."""
    values: dict[int, list[float]] = {}
    for epoch in records:
        if epoch.variant == name and _known(epoch, key):
            values.setdefault(epoch.epoch, []).append(getattr(epoch, key))
    return dict(sorted(values.items()))


def caption(records: Sequence[Epoch]) -> str:
    """Say what still moves at the end, what the scores are of, and what is not compared."""
    names = list(dict.fromkeys(epoch.variant for epoch in records))
    epochs = max(epoch.epoch for epoch in records)
    words = ["One epoch" if epochs == 1 else f"{epochs} epochs"]
    words[0] += f" each of {len(names)} variants."
    if epochs > 1:
        falls, rises = _moves(records, names, "loss"), _moves(records, names, "dev_mAP")
        scored = f", and development mAP still rises for {sum(m > 0 for m in rises)}" if rises else ""
        words.append(f"At the end the loss still falls for {sum(m < 0 for m in falls)}{scored}.")
    if any(_known(epoch, "dev_mAP") for epoch in records):
        words.append(SAMPLE)
    return " ".join([*words, LEVELS])


def _moves(records: Sequence[Epoch], names: Sequence[str], key: str) -> list[float]:
    """Return how the mean of the seeds last moved, for each variant that was seen twice."""
    curves = [[np.mean(values) for values in _by_epoch(records, name, key).values()] for name in names]
    return [float(means[-1] - means[-2]) for means in curves if len(means) > 1]


SAMPLE = "The score is of a fixed sample of the development set, without TTA; nothing was chosen by it."
LEVELS = "Losses under other weights, MixUp, kinds or data are other quantities: compare shapes, not levels."
