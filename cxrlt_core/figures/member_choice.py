"""Which models an ensemble averages for each class, and how sure that choice is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import ClassRecord, Picture, Section
from cxrlt_core.results.study import Results
from cxrlt_core.system import text


@dataclass(frozen=True)
class Choice(ClassRecord):
    """The choice for a class.

    Attributes:
        stability: share of its models that other development patients would choose again.
        weights: of each model.
        again: share of resampled development sets that choose each model, ``<model>_again``.
    """

    stability: float | None
    weights: Mapping[str, float]
    again: Mapping[str, float]


def show(results: Results) -> Iterator[Picture]:
    """Show the ensemble whose classes are shown, if it has a choice."""
    name, ensemble = results.shown
    models = ensemble.models
    if len(models) < 2 or not ensemble.chooses:
        return
    records = [
        Choice(
            label,
            info.group,
            info.prevalence,
            ensemble.stability[label],
            dict(zip(models, ensemble.weights[label], strict=True)),
            dict(zip([f"{model}_again" for model in models], ensemble.chosen_again[label], strict=True)),
        )
        for label, info in results.classes.items()
    ]
    alt = "Heat map: which models are chosen, a line a class."
    drawing, words = draw(records, models, name), caption(records, models, name)
    yield Picture("member_choice", Section.SELECTION, 1, alt, drawing, words, records)


def draw(records: Sequence[Choice], models: Sequence[str], row: str) -> Figure:
    """Draw a table of classes by models: the darker, the more often chosen again; a dot: chosen.

    Args:
        records: of the classes.
        models: their names.
        row: the ensemble.
    """
    records = style.by_prevalence(records)
    figure, ((axes,),) = style.canvas(2.3 + 0.85 * style.LINE * len(records))
    again = np.array([list(record.again.values()) for record in records], float)
    shown = axes.imshow(again, cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    style.lines(axes, [record.label for record in records])
    axes.grid(visible=False)
    for y, record in enumerate(records):
        for x, name in enumerate(models):
            if record.weights[name]:
                axes.plot(x, y, "o", color="white", markeredgecolor=style.INK, markersize=5)
        if y and record.group != records[y - 1].group:
            axes.axhline(y - 0.5, color=style.MUTED, linewidth=0.8)
    axes.set_xticks(range(len(models)), [name.replace("_", " ") for name in models], rotation=35, ha="right")
    axes.tick_params(axis="x", length=0)
    axes.plot([], [], "o", color="white", markeredgecolor=style.INK, label=f"in {row}, with any seed")
    stability = [text.percent(record.stability, 0) for record in records]
    style.column(axes, "stability", stability, style.FIRST)
    bar = figure.colorbar(shown, ax=axes, shrink=0.6, aspect=30, pad=0.02, format=lambda v, _: f"{v:.0%}")
    bar.set_label("resampled development sets that choose the model")
    bar.outline.set_visible(False)
    figure.legend(loc="outside upper right")
    return figure


def caption(records: Sequence[Choice], models: Sequence[str], row: str) -> str:
    """Say how stable the choice is, and which models it leans on."""
    stable = [record for record in records if record.stability is not None]
    if not stable:
        return f"{row} has no choice to make."
    worst = sorted(stable, key=lambda record: record.stability)[:3]
    counts = {name: sum(record.weights[name] > 0 for record in records) for name in models}
    often = sorted(counts, key=lambda name: -counts[name])[:2]
    mean = np.mean([record.stability for record in stable])
    least = text.sentence([f"{record.label} ({record.stability:.0%})" for record in worst])
    used = text.sentence([f"{name} ({counts[name]} of {len(records)} classes)" for name in often])
    return (
        f"{row}: other development patients would choose {mean:.0%} of a class's models again; least "
        f"{least}. Most used: {used}."
    )
