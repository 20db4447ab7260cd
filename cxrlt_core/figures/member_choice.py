"""Which models an ensemble averages for each class, and how sure that choice is."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.data import ClassInfo
from cxrlt_core.results.models import Ensemble
from cxrlt_core.results.study import Results
from cxrlt_core.system import text


def show(results: Results) -> Iterator[Picture]:
    """Show the ensemble whose classes are shown, if it has a choice."""
    name, ensemble = results.shown
    models = ensemble.models
    if len(models) < 2 or not ensemble.chooses:
        return
    records = [
        {
            "class": label,
            **vars(info),
            "stability": ensemble.stability[label],
            **dict(zip(models, ensemble.weights[label], strict=True)),
            **dict(zip([f"{model}_again" for model in models], ensemble.chosen_again[label], strict=True)),
        }
        for label, info in results.classes.items()
    ]
    settings = (results.classes, ensemble, name)
    alt = "Heat map: which models are chosen, a line a class."
    yield Picture("member_choice", Section.SELECTION, 1, alt, draw(*settings), caption(*settings), records)


def draw(classes: Mapping[str, ClassInfo], ensemble: Ensemble, row: str) -> Figure:
    """Draw a table of classes by models: the darker, the more often chosen again; a dot: chosen."""
    classes, models = style.by_prevalence(classes), ensemble.models
    figure, axes = style.lined(list(classes), 2.3, 0.85 * style.LINE)
    again = np.array([ensemble.chosen_again[label] for label in classes], float)
    drawn = axes.imshow(again, cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    names = [name.replace("_", " ") for name in models]
    words = "resampled development sets that choose the model"
    style.explain(axes, drawn, names, words, {"rotation": 35}, pad=0.02)
    groups = [info.group for info in classes.values()]
    dot = {"marker": "o", "linestyle": "none", "color": "white", "markeredgecolor": style.INK}
    for y, label in enumerate(classes):
        for x in np.flatnonzero(ensemble.weights[label]):
            axes.plot(x, y, markersize=5, **dot)
        if y and groups[y] != groups[y - 1]:
            axes.axhline(y - 0.5, color=style.MUTED, linewidth=0.8)
    axes.plot([], [], label=f"in {row}, with any seed", **dot)
    stability = [text.percent(ensemble.stability[label], 0) for label in classes]
    style.column(axes, "stability", stability, style.FIRST)
    figure.legend(loc="outside upper right")
    return figure


def caption(classes: Mapping[str, ClassInfo], ensemble: Ensemble, row: str) -> str:
    """Say how stable the choice is, and which models it leans on."""
    stable = {label: share for label in classes if (share := ensemble.stability[label]) is not None}
    if not stable:
        return f"{row} has no choice to make."
    worst = sorted(stable, key=stable.__getitem__)[:3]
    chosen = np.array([ensemble.weights[label] for label in classes]) > 0
    counts = dict(zip(ensemble.models, chosen.sum(axis=0), strict=True))
    often = sorted(counts, key=lambda name: -counts[name])[:2]
    least = text.sentence([f"{label} ({stable[label]:.0%})" for label in worst])
    used = text.sentence([f"{name} ({counts[name]} of {len(classes)} classes)" for name in often])
    return (
        f"{row}: other development patients would choose {np.mean(list(stable.values())):.0%} of a class's "
        f"models again; least {least}. Most used: {used}."
    )
