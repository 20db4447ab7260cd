"""Training loss, and development mAP where it was monitored, epoch by epoch."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.models import Epoch
from cxrlt_core.results.study import Results

PANELS = {"loss": "training loss", "dev_mAP": "mAP of a development sample"}
MARKED = 20  # epochs up to which each has a mark
COLUMNS, ROW = 4, 1.25  # panels side by side, and inches of a row of them
NAME = 24  # characters of a variant's name in a line of a panel's title
Curve = dict[int, list[float]]  # epoch to the values of the seeds
SAMPLE = "The score is of a fixed sample of the development set, without TTA; nothing was chosen by it."
LEVELS = "Losses under other weights, MixUp, kinds or data are other quantities: compare shapes, not levels."


def show(results: Results) -> Iterator[Picture]:
    """Show the trainings of all variants."""
    epochs = results.history
    records = [vars(epoch) for epoch in epochs]
    alt = "Curves of training, a panel a variant."
    yield Picture("learning_curves", Section.TRAINING, 1, alt, draw(epochs), caption(epochs), records)


def draw(epochs: Sequence[Epoch]) -> Figure:
    """Draw a panel a variant: the mean of its seeds over their range, before all others in grey.

    With one epoch there are no curves: a dot a seed, on a line a variant.
    """
    panels = {key: curves for key in PANELS if any((curves := _curves(epochs, key)).values())}
    names = list(dict.fromkeys(epoch.variant for epoch in epochs))
    if max(epoch.epoch for epoch in epochs) == 1:
        return _dots(panels, names)
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    height = len(panels) * (rows * ROW + 0.5)
    figure, axes = style.canvas(height, nrows=len(panels) * rows, ncols=columns, sharex=True, sharey=False)
    several = len({epoch.seed for epoch in epochs}) > 1
    for (key, curves), block in zip(panels.items(), np.split(axes, len(panels)), strict=True):
        for name, panel in zip_longest(names, block.flat):
            if name is None:
                panel.set_axis_off()
                continue
            panel.sharey(block[0, 0])
            _panel(panel, curves, name)
        for panel in block[:, 1:].flat:
            panel.tick_params(labelleft=False)
        for column in block.T:
            [*_, lowest] = [panel for panel in column if panel.axison]
            lowest.tick_params(labelbottom=True)
        for panel in block[:, 0]:
            panel.set_ylabel(fill(PANELS[key], 14), fontsize=style.SMALL)
    figure.supxlabel("epoch; line: mean of the seeds, shade: their range" if several else "epoch", fontsize=9)
    return figure


def _panel(panel: Axes, curves: Mapping[str, Curve], name: str) -> None:
    """Draw the curve of a variant, and those of the others behind it."""
    for other, by_epoch in curves.items():
        if other != name:
            means = [np.mean(values) for values in by_epoch.values()]
            panel.plot(list(by_epoch), means, color=style.FAINT, linewidth=0.8, zorder=1)
    mine = curves[name]
    means = [np.mean(values) for values in mine.values()]
    mark = "o" if len(mine) <= MARKED else ""
    ends = zip(*((min(values), max(values)) for values in mine.values()), strict=True)
    panel.plot(list(mine), means, label=name, color=style.DARK, marker=mark, markersize=3.5)
    if mine:
        panel.fill_between(list(mine), *ends, color=style.DARK, alpha=0.2, linewidth=0)
    panel.set_title(style.folded(name, NAME), fontsize=style.SMALL)
    panel.xaxis.get_major_locator().set_params(integer=True)


def _dots(panels: Mapping[str, Mapping[str, Curve]], names: Sequence[str]) -> Figure:
    """Draw a line a variant with a dot a seed."""
    figure, axes = style.canvas(0.9 + style.LINE * len(names), nrows=1, ncols=len(panels), sharey=True)
    for (key, curves), panel in zip(panels.items(), axes[0], strict=True):
        style.lines(panel, names)
        for y, by_epoch in enumerate(curves.values()):
            for values in by_epoch.values():
                panel.plot(values, [y] * len(values), "o", color=style.DARK, markerfacecolor="none")
        panel.set_xlabel(f"{PANELS[key]}, one epoch")
    return figure


def _curves(epochs: Sequence[Epoch], key: str) -> dict[str, Curve]:
    """Return variant to epoch to the values of the seeds, where there are any."""
    curves: dict[str, Curve] = {epoch.variant: {} for epoch in epochs}
    for epoch in sorted(epochs, key=lambda epoch: epoch.epoch):
        value = getattr(epoch, key)
        if value is not None and np.isfinite(value):
            curves[epoch.variant].setdefault(epoch.epoch, []).append(value)
    return curves


def caption(epochs: Sequence[Epoch]) -> str:
    """Say what still moves at the end, what the scores are of, and what is not compared."""
    losses, scores = (_curves(epochs, key) for key in PANELS)
    count = max(epoch.epoch for epoch in epochs)
    words = [f"{'One epoch' if count == 1 else f'{count} epochs'} each of {len(losses)} variants."]
    if count > 1:
        falls, rises = _moves(losses), _moves(scores)
        scored = f", and development mAP still rises for {sum(m > 0 for m in rises)}" if rises else ""
        words.append(f"At the end the loss still falls for {sum(m < 0 for m in falls)}{scored}.")
    if any(scores.values()):
        words.append(SAMPLE)
    return " ".join([*words, LEVELS])


def _moves(curves: Mapping[str, Curve]) -> list[float]:
    """Return how the mean of the seeds last moved, for each variant that was seen twice."""
    means = [[np.mean(values) for values in by_epoch.values()] for by_epoch in curves.values()]
    return [float(mean[-1] - mean[-2]) for mean in means if len(mean) > 1]
