"""Average precision of each class: base, best single model, best ensemble."""

from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib.figure import Figure

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.data import ClassInfo
from cxrlt_core.results.models import ClassScore
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

MARKS = (
    {"marker": "o", "color": style.MUTED, "markerfacecolor": "white"},
    {"marker": "s", "color": style.LIGHT},
    {"marker": "D", "color": style.DARK},
)
#: Name of a prediction to class to its scores, the weakest prediction first.
Predictions = Mapping[str, Mapping[str, ClassScore]]


def show(results: Results) -> Iterator[Picture]:
    """Show the classes on the test set."""
    shown, ensemble = results.shown
    base, best = (results.ensembles.singles[role] for role in ("base", "best single"))
    predictions = {f"base: {base.variant}": base.classes}
    if best.variant != base.variant:
        predictions[f"best single: {best.variant}"] = best.classes
    predictions[f"ensemble: {shown}"] = ensemble.classes
    records = []
    for label, info in results.classes.items():
        counts = base.classes[label]
        line: dict[str, Any] = {"class": label, **vars(info)}
        line |= {"positive": counts.positive, "chance": counts.chance}
        for name, classes in predictions.items():
            score = classes[label]
            line |= {name: score.AP, f"{name}_low": score.AP_low, f"{name}_high": score.AP_high}
        records.append(line)
    data = f"{results.tables[1].data} set"
    drawing = draw(results.classes, predictions, f"{data}\n{style.sampling(results)}")
    words = caption(results.classes, predictions, data)
    alt = "Dots with intervals: average precision of three models, a line a class."
    yield Picture("class_scores", Section.CLASSES, 2, alt, drawing, words, records)


def draw(classes: Mapping[str, ClassInfo], predictions: Predictions, data: str) -> Figure:
    """Draw a line a class, with a point and an interval for each of up to three predictions."""
    figure, axes, classes = style.class_lines(classes, 1.0, 1.35 * style.LINE)
    for number, (name, mark) in enumerate(zip(predictions, MARKS, strict=False)):
        shift = 0.26 * (number - (len(predictions) - 1) / 2)
        for y, label in enumerate(classes):
            score = predictions[name][label]
            estimate = Interval(score.AP, score.AP_low, score.AP_high)
            style.estimate(axes, y + shift, estimate, 1.1, markersize=4.5, zorder=3, **mark)
        axes.plot([], [], label=name, **mark)
    counts = [next(iter(predictions.values()))[label] for label in classes]
    dotted = {"color": style.INK, "lw": 1, "linestyle": ":"}
    for y, score in enumerate(counts):
        if score.chance is not None:
            axes.plot([score.chance] * 2, [y - 0.42, y + 0.42], **dotted)
    axes.plot([], [], label="chance", **dotted)
    axes.set(xlim=(0, 1), xlabel=f"average precision, {data}")
    style.column(axes, "positives", [f"{score.positive:,}" for score in counts], style.FIRST)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def caption(classes: Mapping[str, ClassInfo], predictions: Predictions, data: str) -> str:
    """Say for how many classes the last prediction is above the first, by group, and where both fail."""
    (first, weak), *_, (last, strong) = predictions.items()
    known = [c for c in classes if weak[c].AP is not None and strong[c].AP is not None]
    parts = []
    for group in style.OF_GROUP:
        members = [label for label in known if classes[label].group == group]
        if members:
            up = sum(strong[label].AP > weak[label].AP for label in members)
            parts.append(f"{up} of {len(members)} {group}")
    lows = {label: strong[label].AP_low for label in known}
    poor = [label for label, low in lows.items() if low is not None and low <= weak[label].chance]
    words = f"On the {data}, {last} is above {first} for {', '.join(parts)} classes."
    return f"{words} Not told from chance: {text.sentence(poor)}." if poor else words
