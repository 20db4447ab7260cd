"""What reweighting touched, and what it did to those classes against the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.estimator import Estimate
from cxrlt_core.evidence.scoring import Score, ap_of
from cxrlt_core.figures import style
from cxrlt_core.figures.class_changes import points
from cxrlt_core.figures.picture import ClassRecord, Picture, Section
from cxrlt_core.figures.style import Sampling
from cxrlt_core.results.models import ClassWeights
from cxrlt_core.results.study import Results

DESIGN = "reweight"  # as contrasts name it
BLOCKS = ("upweighted", "in some seeds", "left alone")


@dataclass(frozen=True)
class Weighted(ClassRecord):
    """A class with its weight, which of the blocks it is in, and how its average precision changes."""

    weight: float
    block: str
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Mean:
    """The mean difference of a block."""

    block: str
    difference: float | None
    low: float | None
    high: float | None


def show(results: Results) -> Iterator[Picture]:
    """Show the first pair of Table 1 in which only reweighting is switched on."""
    table = results.tables[0]
    contrast = reweighted(table.contrasts)
    if contrast is None:
        return
    pair = dict(zip(contrast.rows, (1.0, -1.0), strict=True))
    weights, changes = _weights(results, contrast), results.scored.class_numbers(pair)
    blocks = upweighted(weights)
    block = {label: name for name, labels in blocks.items() for label in labels}
    records = [
        Weighted(
            label,
            info.group,
            info.prevalence,
            weights.weights[label],
            block[label],
            *changes[label],
        )
        for label, info in results.classes.items()
    ]
    sampling = Sampling.of(results)
    means = []
    for name, labels in blocks.items():
        mean = mean_change(results, pair, labels)
        means.append(Mean(name, *mean.rounded(sampling.level)))
    settings = (records, means, sampling, f"{contrast.what} {contrast.change}, {table.data} set")
    alt = "Forest plot: change of average precision of upweighted and of other classes."
    yield Picture("reweighting", Section.CHANGES, 2, alt, draw(*settings), caption(*settings), records)


def reweighted(contrasts: Sequence[Contrast]) -> Contrast | None:
    """Return the first pair in which only reweighting is switched on."""
    return next((c for c in contrasts if c.what == DESIGN and c.change.startswith("off")), None)


def _weights(results: Results, contrast: Contrast) -> ClassWeights:
    """Return the class weights of the row that has some."""
    params = results.params
    [variant] = [row.variant for row in params.table1 if row.name == contrast.rows[0]]
    return results.weights[params.variants[variant].weights]


def upweighted(weights: ClassWeights) -> dict[str, list[str]]:
    """Return the classes that all seeds put up, that some do, and that none does; none of these is empty."""
    seeds = [seed.weights for seed in weights.seeds.values()]
    blocks: dict[str, list[str]] = {name: [] for name in BLOCKS}
    for label in weights.weights:
        count = sum(seed[label] != 1 for seed in seeds)
        blocks[BLOCKS[0] if count == len(seeds) else BLOCKS[1] if count else BLOCKS[2]].append(label)
    return {name: labels for name, labels in blocks.items() if labels}


def mean_change(results: Results, pair: Mapping[str, float], labels: Sequence[str]) -> Estimate:
    """Estimate the mean difference of average precision over those of some classes that are defined.

    Args:
        results: of the study.
        pair: two rows of Table 1 to their weights.
        labels: names of the classes.
    """
    scores, noise = results.scored.scores, results.scored.seed_variance
    names = [name for name in map(ap_of, labels) if all(np.isfinite(scores[row][name].point) for row in pair)]
    if not names:
        return Estimate(np.nan, np.nan, np.inf, len(results.params.train.seeds))
    means = {row: reduce(add, (1 / len(names) * scores[row][name] for name in names)) for row in pair}
    trainings = {"mean": np.mean([noise.trainings[name] for name in names], axis=0)}
    scored = replace(
        results.scored,
        scores={row: Score({"mean": mean}, {}) for row, mean in means.items()},
        seed_variance=replace(noise, trainings=trainings),
    )
    return scored.contrast(pair, "mean")


def draw(records: Sequence[Weighted], means: Sequence[Mean], sampling: Sampling, what: str) -> Figure:
    """Draw a block of lines for the classes that were upweighted, and one for the others; below, their means.

    Args:
        records: of the classes.
        means: of each block that has classes.
        sampling: what the intervals are about.
        what: the weights and the data.
    """
    ordered = style.by_prevalence(records)
    blocks = [[record for record in ordered if record.block == name] for name in BLOCKS]
    order = [record for block in blocks for record in block]
    figure, ((axes,),) = style.canvas(1.2 + style.LINE * (len(order) + len(means)))
    style.lines(axes, [*(record.label for record in order), *(f"mean: {mean.block}" for mean in means)])
    points(axes, order)
    start = 0
    for name, block in zip(BLOCKS, blocks, strict=True):
        if block:
            shade = style.OF_GROUP["head"][2] if name == BLOCKS[0] else "white"
            axes.axhspan(start - 0.5, start + len(block) - 0.5, color=shade, zorder=0, linewidth=0)
            style.corner(axes, start, name)
            start += len(block)
    axes.axhline(start - 0.5, color=style.MUTED, linewidth=0.8)
    for y, mean in enumerate(means, start):
        style.interval(axes, y, mean.low, mean.high, color=style.INK, lw=2.4)
        if mean.difference is not None:
            axes.plot(mean.difference, y, "D", color=style.INK, ms=6)
    for group, (colour, mark, _) in style.OF_GROUP.items():
        if any(record.group == group for record in order):
            axes.plot([], [], mark, color=colour, label=group)
    axes.set_xlabel(f"difference of average precision, {what}\n{sampling.text}; filled: 0 is outside")
    texts = [f"× {record.weight:.3g}" for record in order] + ["" for _ in means]
    style.column(axes, "weight", texts, style.FIRST)
    style.column(axes, "Δ AP", [style.signed(line.difference) for line in [*order, *means]], style.SECOND)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def caption(records: Sequence[Weighted], means: Sequence[Mean], sampling: Sampling, what: str) -> str:
    """Say what upweighted classes gained on average, and what the others did."""
    changes = [
        f"{mean.block} ({sum(record.block == mean.block for record in records)}) "
        f"{style.signed(mean.difference)}{style.spelled(mean.low, mean.high)}"
        for mean in means
    ]
    return (
        f"{what[0].upper()}{what[1:]}, mean change of average precision: {'; '.join(changes)}. The classes "
        "were upweighted because a model did poorly on these same development data, so some gain is "
        "regression to the mean."
    )
