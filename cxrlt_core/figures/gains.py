"""What each step gains, against what it costs beside the row that it starts from."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.family import UP
from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.figures.contrasts import mark
from cxrlt_core.figures.cost import number
from cxrlt_core.results.steps import Ratio, Step, busy, changed, is_bag, ranked, ratio
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

NAMED = 10  # points of a panel that have their number
DEARER = 1.1  # times as dear: more than a machine makes of equal work
LINE = {"color": "#b5c3d1", "linewidth": 1, "zorder": 2}


class Gain(NamedTuple):
    """A step of a rank: its difference of mAP with the interval that it is judged by, and its costs."""

    rank: int
    step: Step
    mAP: Interval
    ratio: Ratio


def show(results: Results) -> Iterator[Picture]:
    """Show the steps that have a difference."""
    steps = ranked(results) if is_bag(results) else []
    gains = [
        Gain(
            rank, step, Interval(step.contrast.difference.point, *step.contrast.bounds), ratio(results, step)
        )
        for rank, step in enumerate(steps, 1)
        if step.contrast.difference.point is not None
    ]
    if gains:
        records = [record(gain) for gain in gains]
        drawing = draw(gains, results.params.evidence.margin, style.sampling(results))
        alt = "Scatter: difference of mAP against time and memory, a dot a step."
        words = caption(gains, machine(results))
        yield Picture("gains", Section.ANSWER, 2, alt, drawing, words, records)


def record(gain: Gain) -> dict[str, object]:
    """Return a step as a line of numbers."""
    training = zip(("training", "training_least", "training_most"), gain.ratio.training, strict=True)
    return {
        "rank": gain.rank,
        "step": changed(gain.step.contrast),
        "rows": gain.step.rows,
        **style.bounds(gain.mAP),
        "verdict": gain.step.contrast.verdict,
        **dict(training),
        "prediction": gain.ratio.prediction,
        "memory": gain.ratio.memory,
    }


def machine(results: Results) -> str:
    """Say where times were measured, and which of them the machine makes doubtful."""
    devices = dict.fromkeys(cost.device for costs in results.costs.values() for cost in costs)
    words = f"Times are of {' and '.join(devices)}, where other stages may have run at once"
    if names := busy(results):
        return f"{words}; seeds of {text.sentence([f'`{name}`' for name in names])} took unlike times."
    return f"{words}; all seeds of a row took about as long."


def draw(gains: Sequence[Gain], margin: float, sampling: str) -> Figure:
    """Draw a panel a cost; numbers are ranks."""
    figure, axes = style.canvas(4.3, nrows=1, ncols=3, sharey=True)
    costs = {
        "training of an image": [gain.ratio.training for gain in gains],
        "prediction of an image": [Interval(gain.ratio.prediction, None, None) for gain in gains],
        "peak memory of training": [Interval(gain.ratio.memory, None, None) for gain in gains],
    }
    for panel, (title, its) in zip(axes[0], costs.items(), strict=True):
        _panel(panel, gains, its, margin)
        panel.set(title=title, xlabel="times its reference")
    axes[0][0].set_ylabel("difference of mAP")
    for verdict in dict.fromkeys(gain.step.contrast.verdict for gain in gains):
        axes[0][0].plot([], [], label=verdict, **mark(verdict))
    figure.legend(loc="outside upper right", ncols=4)
    figure.supxlabel(
        f"{sampling}; upright: simultaneous; numbers: ranks of dear and of resolved steps", fontsize=9
    )
    return figure


def _panel(axes: Axes, gains: Sequence[Gain], costs: Sequence[Interval], margin: float) -> None:
    axes.axhspan(-margin, margin, color=style.FAINT, linewidth=0, zorder=0)
    axes.axvline(1, color=style.MUTED, linewidth=0.8, zorder=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    known = [(gain, cost) for gain, cost in zip(gains, costs, strict=True) if cost.point is not None]
    for gain, cost in known:
        if gain.mAP.low is not None:
            axes.plot([cost.point] * 2, gain.mAP[1:], **LINE)
        if cost.low is not None:
            axes.plot(cost[1:], [gain.mAP.point] * 2, **LINE)
        axes.plot(
            cost.point, gain.mAP.point, **{**mark(gain.step.contrast.verdict), "markersize": 4.5}, zorder=3
        )
    if not known:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=style.MUTED)
    ends = [cost.point for _, cost in known]
    axes.set_xlim(0.9 * min([0.5, *ends]), 1.1 * max([2, *ends]))
    number(axes, {gain.rank: (cost.point, gain.mAP.point) for gain, cost in notable(known)})


def notable(known: Sequence[tuple[Gain, Interval]]) -> list[tuple[Gain, Interval]]:
    """Choose the points that have their number: those that are resolved, then the dearest."""
    resolved = [pair for pair in known if pair[0].step.contrast.verdict.startswith("resolved")]
    dear = sorted((pair for pair in known if pair[1].point > DEARER), key=lambda pair: -pair[1].point)
    return list({pair[0].rank: pair for pair in [*resolved, *dear]}.values())[:NAMED]


def caption(gains: Sequence[Gain], where: str) -> str:
    """Name what is resolved up for next to nothing, and the dearest step of each kind."""
    cheap = [
        f"{changed(gain.step.contrast)} ({gain.rank})"
        for gain in gains
        if gain.step.contrast.verdict == UP
        and max(gain.ratio.training.point, gain.ratio.prediction or 1, gain.ratio.memory) <= DEARER
    ]
    found = text.sentence(cheap, 8) if cheap else "none"
    dearest = []
    for what, pick in (
        ("to train", lambda gain: gain.ratio.training.point),
        ("to predict", lambda gain: gain.ratio.prediction or 0),
        ("in memory", lambda gain: gain.ratio.memory),
    ):
        most = max(gains, key=pick)
        if pick(most) > 1:
            dearest.append(f"{what} {changed(most.step.contrast)} ({most.rank}), {pick(most):.2g}×")
    dear = f"Dearest {'; '.join(dearest)}. " if dearest else ""
    return (
        f"Resolved up at no more than {DEARER:g} times the time and memory of the reference: {found}. "
        f"{dear}{where} Compared are the fastest seeds; level lines: any two. "
        "What a row needs first, class weights or a start, is not counted. Grey band: too small to matter."
    )
