"""Training loss, and development mAP where it was monitored, epoch by epoch."""

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.models import Epoch
from cxrlt_core.results.study import Results

PANELS = {"loss": "training loss", "dev_mAP": "mAP of a development sample"}
MARKED = 20  # epochs up to which each has a mark
SAMPLE = "The score is of a fixed sample of the development set, without TTA; nothing was chosen by it."
LEVELS = "Losses under other weights, MixUp, kinds or data are other quantities: compare shapes, not levels."


def show(results: Results) -> Iterator[Picture]:
    """Show the trainings of all variants."""
    epochs = results.history
    records = [vars(epoch) for epoch in epochs]
    alt = "Curves of training, a line a variant."
    yield Picture("learning_curves", Section.TRAINING, 1, alt, draw(epochs), caption(epochs), records)


def draw(epochs: Sequence[Epoch]) -> Figure:
    """Draw a line a variant, the mean of its seeds, over their range; with one epoch, a dot a seed."""
    panels = {key: curves for key in PANELS if any((curves := _curves(epochs, key)).values())}
    names = list(dict.fromkeys(epoch.variant for epoch in epochs))
    if max(epoch.epoch for epoch in epochs) == 1:
        figure, axes = style.canvas(0.9 + style.LINE * len(names), nrows=1, ncols=len(panels), sharey=True)
        for (key, curves), panel in zip(panels.items(), axes[0], strict=True):
            style.lines(panel, names)
            for y, by_epoch in enumerate(curves.values()):
                for values in by_epoch.values():
                    panel.plot(values, [y] * len(values), "o", color=style.DARK, markerfacecolor="none")
            panel.set_xlabel(f"{PANELS[key]}, one epoch")
        return figure
    figure, axes = style.canvas(3.0 * len(panels) + 0.1 * len(names), nrows=len(panels), ncols=1, sharex=True)
    for (key, curves), (panel,) in zip(panels.items(), axes, strict=True):
        for (name, by_epoch), look in zip(curves.items(), cycle(style.SERIES), strict=False):
            mark = look["marker"] if len(by_epoch) <= MARKED else ""
            means = [np.mean(values) for values in by_epoch.values()]
            panel.plot(list(by_epoch), means, label=name, **{**look, "marker": mark, "markersize": 4.5})
            ends = zip(*((min(values), max(values)) for values in by_epoch.values()), strict=True)
            panel.fill_between(list(by_epoch), *ends, color=look["color"], alpha=0.15, linewidth=0)
        panel.set_ylabel(PANELS[key])
        panel.xaxis.get_major_locator().set_params(integer=True)
    several = len({epoch.seed for epoch in epochs}) > 1
    axes[-1, 0].set_xlabel("epoch; line: mean of the seeds, shade: their range" if several else "epoch")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def _curves(epochs: Sequence[Epoch], key: str) -> dict[str, dict[int, list[float]]]:
    """Return variant to epoch to the values of the seeds, where there are any."""
    curves: dict[str, dict[int, list[float]]] = {epoch.variant: {} for epoch in epochs}
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


def _moves(curves: dict[str, dict[int, list[float]]]) -> list[float]:
    """Return how the mean of the seeds last moved, for each variant that was seen twice."""
    means = [[np.mean(values) for values in by_epoch.values()] for by_epoch in curves.values()]
    return [float(mean[-1] - mean[-2]) for mean in means if len(mean) > 1]
