"""What one design does to each class: differences of average precision."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.data import ClassInfo
from cxrlt_core.results.study import Results


def show(results: Results) -> Iterator[Picture]:
    """Show the largest contrast of Table 1."""
    table = results.tables[0]
    pair = largest(table.contrasts)
    if pair is None:
        return
    changes, what = changes_of(results, pair), f"{pair.what} {pair.change}, {table.data} set"
    records = [
        {"class": label, **vars(info), "patients": table.positives[label], **style.bounds(changes[label])}
        for label, info in results.classes.items()
    ]
    drawing = draw(results.classes, changes, table.positives, style.sampling(results), what)
    words = caption(changes, results.params.bootstrap.level, what)
    alt = "Forest plot: change of average precision, a line a class."
    yield Picture("class_changes", Section.CHANGES, 1, alt, drawing, words, records)


def largest(contrasts: Sequence[Contrast]) -> Contrast | None:
    """Return the pair with the largest difference, a resolved one if there is any."""
    pairs = [c for c in contrasts if len(c.rows) == 2 and c.difference.point is not None]
    resolved = [c for c in pairs if c.verdict.startswith("resolved")]
    return max(resolved or pairs, key=lambda c: abs(c.difference.point), default=None)


def changes_of(results: Results, pair: Contrast) -> dict[str, Interval]:
    """Return what a pair of rows of Table 1 changes in each class."""
    return results.scored.class_numbers(dict(zip(pair.rows, (1.0, -1.0), strict=True)))


def draw(
    classes: Mapping[str, ClassInfo],
    changes: Mapping[str, Interval],
    patients: Mapping[str, int],
    sampling: str,
    what: str,
) -> Figure:
    """Draw a line a class; what: the design, its change and the data."""
    figure, axes, classes = style.class_lines(classes, 0.9)
    points(axes, classes, changes)
    axes.set_xlabel(
        f"difference of average precision, {what}\n{sampling}; each for itself, filled: 0 is outside"
    )
    style.column(axes, "Δ AP", [style.signed(changes[label].point) for label in classes], style.FIRST)
    style.column(axes, "positive\npatients", [f"{patients[label]:,}" for label in classes], style.SECOND)
    return figure


def points(axes: Axes, classes: Mapping[str, ClassInfo], changes: Mapping[str, Interval]) -> None:
    """Draw differences of classes; filled where the interval leaves out 0."""
    axes.axvline(0, color=style.MUTED, linewidth=0.8, zorder=1)
    for y, (label, info) in enumerate(classes.items()):
        colour, mark, _ = style.OF_GROUP[info.group]
        look = {"color": colour, "markerfacecolor": colour if clear(changes[label]) else "white"}
        style.estimate(axes, y, changes[label], 1.6, marker=mark, zorder=3, **look)


def clear(change: Interval) -> bool:
    """Whether the interval is known and leaves out 0."""
    return change.low is not None and not change.low <= 0 <= change.high


def caption(changes: Mapping[str, Interval], level: float, what: str) -> str:
    """Count the classes whose interval leaves out 0 and name the largest gain and loss."""
    known = {label: change for label, change in changes.items() if change.point is not None}
    if not known:
        return f"No difference of a class is defined ({what})."
    up, down = (sum(clear(c) and sign * c.point > 0 for c in known.values()) for sign in (1, -1))
    order = sorted(known, key=lambda label: -known[label].point)
    most, least = (f"{label} {style.signed(known[label].point)}" for label in (order[0], order[-1]))
    return (
        f"{what[0].upper()}{what[1:]}: {up} of {len(known)} classes gain and {down} lose by more than their "
        f"interval (filled); about {(1 - level) * len(known):.1f} would without any effect. "
        f"Most: {most}; least: {least}."
    )
