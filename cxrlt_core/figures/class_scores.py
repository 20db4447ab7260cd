"""Average precision of each class: base, best single model, best ensemble."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import ClassRecord, Picture, Section
from cxrlt_core.figures.style import Sampling
from cxrlt_core.results.study import Results
from cxrlt_core.system import text
from cxrlt_core.system.rounding import rounded

MARKS = (
    {"marker": "o", "color": style.MUTED, "markerfacecolor": "white"},
    {"marker": "s", "color": style.LIGHT},
    {"marker": "D", "color": style.DARK},
)


@dataclass(frozen=True)
class Scores(ClassRecord):
    """A class with several predictions of the same set.

    Attributes:
        positive: images of the set.
        chance: the prevalence in it, which a coin gets; None without a known label.
        scores: average precision of each prediction, ``<name>``, ``<name>_low`` and ``<name>_high``.
    """

    positive: int
    chance: float | None
    scores: Mapping[str, float | None]


def show(results: Results) -> Iterator[Picture]:
    """Show the classes on the test set."""
    (shown, ensemble), table = results.shown, results.tables[1]
    base, best = (results.ensembles.singles[role] for role in ("base", "best single"))
    predictions = {f"base: {base.variant}": base.classes}
    if best.variant != base.variant:
        predictions[f"best single: {best.variant}"] = best.classes
    predictions[f"ensemble: {shown}"] = ensemble.classes
    records = []
    for label, info in results.classes.items():
        counts = base.classes[label]
        chance = rounded(counts.positive / counts.known) if counts.known else None
        scores: dict[str, float | None] = {}
        for name, classes in predictions.items():
            found = classes[label]
            scores |= {name: found.AP, f"{name}_low": found.AP_low, f"{name}_high": found.AP_high}
        records.append(Scores(label, info.group, info.prevalence, counts.positive, chance, scores))
    settings = (records, list(predictions), Sampling.of(results), f"{table.data} set")
    alt = "Dots with intervals: average precision of three models, a line a class."
    yield Picture("class_scores", Section.CLASSES, 2, alt, draw(*settings), caption(*settings), records)


def draw(records: Sequence[Scores], names: Sequence[str], sampling: Sampling, data: str) -> Figure:
    """Draw a line a class, with a point and an interval for each of up to three predictions.

    Args:
        records: of the classes.
        names: of the predictions, the weakest first.
        sampling: what the intervals are about.
        data: that was scored.
    """
    records = style.by_prevalence(records)
    figure, ((axes,),) = style.canvas(1.0 + 1.35 * style.LINE * len(records))
    style.lines(axes, [record.label for record in records])
    style.shade_groups(axes, records)
    for number, (name, mark) in enumerate(zip(names, MARKS, strict=False)):
        shift = 0.26 * (number - (len(names) - 1) / 2)
        for y, record in enumerate(records):
            point, low, high = (record.scores[f"{name}{end}"] for end in ("", "_low", "_high"))
            style.interval(axes, y + shift, low, high, color=mark["color"], lw=1.1)
            if point is not None:
                axes.plot(point, y + shift, linestyle="none", markersize=4.5, zorder=3, **mark)
        axes.plot([], [], label=name, **mark)
    for y, record in enumerate(records):
        if record.chance is not None:
            axes.plot([record.chance] * 2, [y - 0.42, y + 0.42], color=style.INK, lw=1, linestyle=":")
    axes.plot([], [], color=style.INK, lw=1, linestyle=":", label="chance")
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"average precision, {data}\n{sampling.text}")
    style.column(axes, "positives", [f"{record.positive:,}" for record in records], style.FIRST)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def caption(records: Sequence[Scores], names: Sequence[str], sampling: Sampling, data: str) -> str:
    """Say for how many classes the last prediction is above the first, by group, and where both fail."""
    first, last = names[0], names[-1]
    known = [r for r in records if r.scores[first] is not None and r.scores[last] is not None]
    parts = []
    for group in style.OF_GROUP:
        members = [record.scores for record in known if record.group == group]
        if members:
            up = sum(scores[last] > scores[first] for scores in members)
            parts.append(f"{up} of {len(members)} {group}")
    lows = [(record, record.scores[f"{last}_low"]) for record in known]
    poor = [record.label for record, low in lows if low is not None and low <= record.chance]
    words = f"On the {data}, {last} is above {first} for {', '.join(parts)} classes."
    return f"{words} Not told from chance: {text.sentence(poor)}." if poor else words
