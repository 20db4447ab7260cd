"""What reweighting touched, and what it did to those classes against the others."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.estimator import Estimate, Interval, Sampled, SeedVariance, estimate, pooled
from cxrlt_core.evidence.scoring import ap_of
from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.figures.class_changes import changes_of, points
from cxrlt_core.results.data import ClassInfo
from cxrlt_core.results.models import ClassWeights
from cxrlt_core.results.study import Results

DESIGN = "reweight"  # as contrasts name it
BLOCKS = ("upweighted", "in some seeds", "left alone")


def show(results: Results) -> Iterator[Picture]:
    """Show the first pair of Table 1 in which only reweighting is switched on."""
    table, params = results.tables[0], results.params
    pair = reweighted(table.contrasts)
    if pair is None:
        return
    [variant] = [row.variant for row in params.table1 if row.name == pair.rows[0]]
    weights, changes = results.weights[params.variants[variant].weights], changes_of(results, pair)
    blocks = upweighted(weights)
    block = {label: {"block": name} for name, labels in blocks.items() for label in labels}
    records = [
        {
            "class": label,
            **vars(info),
            "weight": weights.weights[label],
            **block[label],
            **style.bounds(changes[label]),
        }
        for label, info in results.classes.items()
    ]
    means = {
        name: mean_change(results, pair.rows, weights, up).rounded(params.bootstrap.level)
        for name, up in ((BLOCKS[0], True), (BLOCKS[2], False))
    }
    what = f"{pair.what} {pair.change}, {table.data} set"
    drawing = draw(results.classes, weights, changes, means, f"{what}\n{style.sampling(results)}")
    alt = "Forest plot: change of average precision of upweighted and of other classes."
    yield Picture(
        "reweighting", Section.CHANGES, 2, alt, drawing, caption(means, what, len(weights.seeds)), records
    )


def reweighted(contrasts: Sequence[Contrast]) -> Contrast | None:
    """Return the first pair in which only reweighting is switched on."""
    return next((c for c in contrasts if c.what == DESIGN and c.change.startswith("off")), None)


def upweighted(weights: ClassWeights) -> dict[str, list[str]]:
    """Return the classes that all seeds put up, that some do, and that none does; none of these is empty."""
    blocks: dict[str, list[str]] = {name: [] for name in BLOCKS}
    for label in weights.weights:
        count = sum(seed.weights[label] != 1 for seed in weights.seeds.values())
        blocks[BLOCKS[0 if count == len(weights.seeds) else 1 if count else 2]].append(label)
    return {name: labels for name, labels in blocks.items() if labels}


def mean_change(results: Results, pair: Sequence[str], weights: ClassWeights, up: bool) -> Estimate:
    """Estimate the mean difference of AP in a pair of rows of Table 1, over the classes that are up, or not.

    Each seed of the base chooses its own classes, those that it did poorly on by chance among them. So the
    seed of the first row that trained with this choice is compared with the *other* seeds of the reference;
    with one seed there are none. The error is that of the differences seed by seed.
    """
    row, reference = (results.scored.scores[name] for name in pair)
    paired, crossed, deviations = [], [], []
    for s, seed in enumerate(weights.seeds.values()):
        chosen = [ap_of(label) for label, weight in seed.weights.items() if (weight != 1) == up]
        names = [name for name in chosen if np.isfinite(row[name].point)]
        if names:
            first, second = ([each[name] for name in names] for each in (row, reference))
            ours = np.mean([mean.points[s] for mean in first])
            theirs = np.mean([mean.points for mean in second], axis=0)
            others = np.delete(theirs, s) if len(theirs) > 1 else theirs
            paired.append(ours - theirs[s])
            crossed.append(ours - others.mean())
            moved = [a.deviations[s] - b.deviations[s] for a, b in zip(first, second, strict=True)]
            deviations.append(np.mean(moved, axis=0))
    if not paired:
        return Estimate(np.nan, np.nan, np.inf, len(weights.seeds))
    points = np.array(paired) - np.mean(paired) + np.mean(crossed)
    own = pooled(points, SeedVariance(0.0, 0), 0.0) if len(points) > 1 else None
    return estimate(Sampled(points, np.array(deviations), np.zeros_like(points)), own)


def draw(
    classes: Mapping[str, ClassInfo],
    weights: ClassWeights,
    changes: Mapping[str, Interval],
    means: Mapping[str, Interval],
    what: str,
) -> Figure:
    """Draw a block of lines for the classes that were upweighted, one for the others, and their means."""
    ordered, blocks = style.by_prevalence(classes), upweighted(weights)
    order = {label: classes[label] for block in blocks.values() for label in ordered if label in block}
    figure, axes = style.lined([*order, *(f"mean: {name}" for name in means)], 1.2)
    points(axes, order, changes)
    start = 0
    for name, block in blocks.items():
        shade = style.OF_GROUP["head"][2] if name == BLOCKS[0] else "white"
        axes.axhspan(start - 0.5, start + len(block) - 0.5, color=shade, zorder=0, linewidth=0)
        style.corner(axes, start, name)
        start += len(block)
    axes.axhline(start - 0.5, color=style.MUTED, linewidth=0.8)
    for y, mean in enumerate(means.values(), start):
        style.estimate(axes, y, mean, 2.4, marker="D", color=style.INK, ms=6)
    for group, (colour, mark, _) in style.OF_GROUP.items():
        if any(info.group == group for info in order.values()):
            axes.plot([], [], mark, color=colour, label=group)
    axes.set_xlabel(f"difference of average precision, {what}; filled: 0 is outside")
    lines = [*(changes[label] for label in order), *means.values()]
    style.column(axes, "weight", [f"× {weights.weights[label]:.3g}" for label in order], style.FIRST)
    style.column(axes, "Δ AP", [style.signed(change.point) for change in lines], style.SECOND)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def caption(means: Mapping[str, Interval], what: str, seeds: int) -> str:
    """Say what upweighted classes gained on average, and what the others did."""
    changes = [
        f"{name} {style.signed(mean.point)}{style.spelled(mean.low, mean.high)}"
        for name, mean in means.items()
    ]
    by_chance = (
        "Each seed of the base chose its classes; the model trained with them is compared with the other "
        "seeds, so that what that seed did poorly by chance is no gain. These patients chose, too, so some "
        "regression to the mean is left."
        if seeds > 1
        else "The classes were upweighted because a model did poorly on these same development data, so some "
        "gain is regression to the mean."
    )
    return f"{what[0].upper()}{what[1:]}, mean change of average precision: {'; '.join(changes)}. {by_chance}"
