"""The report's figures; each function draws one and returns it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from cxrlt_core.labels import GROUPS
from cxrlt_core.system.files import atomic

COLOURS = dict(zip(GROUPS, ("#1f5fa8", "#3a9d76", "#d1603d"), strict=True))
GREY = "#8a8a8a"
plt.rcParams.update(
    {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e6e6e6",
        "axes.axisbelow": True,
        "legend.frameon": False,
        "figure.dpi": 100,
    }
)


def save_figure(figure: Figure, path: Path | str, note: str = "") -> None:
    """Write a PNG, with a note below, without date or version: an unchanged figure is an unchanged file."""
    if note:
        figure.draw_without_rendering()  # layout is known only now
        bottom = figure.get_tightbbox().y0 / figure.get_figheight()
        figure.text(0.5, bottom - 0.14 / figure.get_figheight(), note, ha="center", fontsize=8, color=GREY)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def class_distribution(
    counts: Mapping[str, Mapping[str, int]], groups: Mapping[str, str], images: Mapping[str, int]
) -> Figure:
    """Positives per class in the training sets, log scale, commonest class first.

    Args:
        counts: set to class to positives; the first set is drawn filled, others as outlines.
        groups: class to head, medium or tail.
        images: set to its number of images.
    """
    first, *others = counts
    names = sorted(groups, key=lambda name: -counts[first][name])
    figure, axes = plt.subplots(figsize=(9, 4.6))
    x = np.arange(len(names))
    colours = [COLOURS[groups[name]] for name in names]
    axes.bar(x, [counts[first][n] for n in names], color=colours, width=0.7)
    for other in others:
        label = f"{other} ({images[other]:,} images)"
        heights = [counts[other][n] for n in names]
        axes.bar(x, heights, facecolor="none", edgecolor="#333333", width=0.7, linewidth=1, label=label)
    for group in GROUPS:
        size = sum(g == group for g in groups.values())
        axes.bar(
            0, 0, color=COLOURS[group], label=f"{first} ({images[first]:,} images), {group}: {size} classes"
        )
    axes.set_yscale("log")
    axes.set_xticks(x, names, rotation=55, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylabel("training positives (log scale)")
    axes.grid(axis="x", visible=False)
    axes.legend(fontsize=9)
    return figure


def table_forest(rows: Sequence[tuple[str, float, float, float]], xlabel: str) -> Figure:
    """Estimates with intervals, one row a line.

    Args:
        rows: label, point, low, high; NaN where undefined.
        xlabel: what the points are.
    """
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.36 * len(rows)))
    y = -np.arange(len(rows))
    points, low, high = (np.array([row[i] for row in rows], float) for i in (1, 2, 3))
    # A skewed interval may miss its point, so it is drawn about its own middle.
    axes.errorbar((low + high) / 2, y, xerr=(high - low) / 2, fmt="none", capsize=3, ecolor=COLOURS["head"])
    axes.plot(points, y, "o", color=COLOURS["head"], markersize=5)
    axes.axvline(points[0], color=GREY, linewidth=1, linestyle="--", zorder=0)
    for value, height in zip(points, y, strict=True):
        axes.annotate(
            f"{value:.4f}", (value, height), (0, 6), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set_yticks(y, [row[0] for row in rows])
    axes.set_ylim(y[-1] - 0.7, 0.8)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(xlabel)
    return figure


def contrast_forest(contrasts: Sequence[Mapping], labels: Sequence[str]) -> Figure:
    """Differences of mAP with intervals, the published ones beside them; resolved ones filled.

    Args:
        contrasts: from :func:`cxrlt_core.evidence.contrasts.to_json`.
        labels: of the contrasts.
    """
    figure, axes = plt.subplots(figsize=(9, 1.1 + 0.36 * len(contrasts)))
    legend = {}
    for y, one in enumerate(contrasts):
        point, low, high = (np.nan if value is None else value for value in one["difference"])
        resolved = one["verdict"].startswith("resolved")
        colour = COLOURS["head"] if resolved else GREY
        marker = {"color": colour, "markerfacecolor": colour if resolved else "white", "markersize": 6}
        legend["resolved" if resolved else one["verdict"]] = marker
        axes.plot([low, high], [-y, -y], color=colour, linewidth=1.5)
        axes.plot(point, -y, "o", **marker)
        if one["published"] is not None:
            axes.plot(one["published"], -y, "D", color=COLOURS["tail"], markersize=4)
    axes.axvline(0, color=GREY, linewidth=1, linestyle="--", zorder=0)
    for verdict, marker in legend.items():
        axes.plot([], [], "o", label=verdict, **marker)
    axes.plot([], [], "D", color=COLOURS["tail"], markersize=4, label="published")
    axes.set_yticks(-np.arange(len(contrasts)), labels)
    axes.set_ylim(-len(contrasts) + 0.3, 0.8)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("difference of mAP")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def variance_split(parts: Sequence[Mapping[str, float | None]], labels: Sequence[str]) -> Figure:
    """Where the variance of each difference comes from, in percent; its standard error at the end of the bar.

    Args:
        parts: of each difference: ``patients``, ``patients_by_seed``, ``training`` and ``selection``; None
            where not measured.
        labels: of the differences.
    """
    figure, axes = plt.subplots(figsize=(9, 1.1 + 0.36 * len(parts)))
    values = np.array([[part[name] or 0.0 for name in PARTS] for part in parts])
    totals, y = values.sum(axis=1), -np.arange(len(parts))
    left = np.zeros(len(parts))
    for (name, (title, colour)), column in zip(PARTS.items(), values.T, strict=True):
        if not column.any():  # in no difference
            title += ": none" if any(part[name] is not None for part in parts) else ": not measured"
        shares = 100 * column / totals
        axes.barh(y, shares, left=left, color=colour, height=0.7, label=title)
        left += shares
    for height, total in zip(y, totals, strict=True):
        axes.text(101, height, f"± {np.sqrt(total):.4f}", va="center", fontsize=8)
    axes.set_yticks(y, labels)
    axes.set_ylim(-len(parts) + 0.3, 0.8)
    axes.set_xlim(0, 100)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("share of the variance of the difference, %; ± standard error")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.1, 0.5))
    return figure


PARTS = {
    "patients": ("patients", COLOURS["head"]),
    "patients_by_seed": ("patient × seed", "#8fb3d9"),
    "training": ("trainings", COLOURS["tail"]),
    "selection": ("selection", "#e0b040"),
}


def ap_against_prevalence(classes: Mapping[str, Mapping], title: str) -> Figure:
    """Average precision of each class against its prevalence; a coin scores the prevalence itself.

    Args:
        classes: class to AP, positive, known and group.
        title: what was scored, and where.
    """
    figure, axes = plt.subplots(figsize=(9, 6))
    defined = {name: c for name, c in classes.items() if c["AP"] is not None}
    prevalence = {name: c["positive"] / c["known"] for name, c in defined.items()}
    for group in GROUPS:
        names = [name for name in defined if defined[name]["group"] == group]
        x, y = [prevalence[n] for n in names], [defined[n]["AP"] for n in names]
        axes.scatter(x, y, color=COLOURS[group], label=group, s=32, zorder=3)
    positions = {n: (np.log(prevalence[n]), c["AP"]) for n, c in defined.items()}
    for name, height in _spread_labels(positions).items():
        x, y = prevalence[name], defined[name]["AP"]
        axes.annotate(
            name,
            (x, y),
            (x * 1.06, height),
            fontsize=8,
            va="center",
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2},
        )
    axes.set_xscale("log")
    ends = (min(prevalence.values(), default=0.01) * 0.8, max(prevalence.values(), default=1) * 1.9)
    chance = np.geomspace(*ends, 100)
    axes.plot(chance, chance, color=GREY, linestyle="--", linewidth=1, label="chance")
    axes.set_xlim(*ends)
    axes.set_ylim(0, 1)
    axes.set_xlabel("prevalence among known labels (log scale)")
    axes.set_ylabel("average precision")
    axes.set_title(title, fontsize=10)
    axes.legend(loc="upper left")
    return figure


def _spread_labels(positions: Mapping[str, tuple[float, float]], near: float = 0.9) -> dict[str, float]:
    """Heights for text labels so that those at a similar x stand at least a line apart."""
    line, heights = 0.026, {}
    for name, (x, y) in sorted(positions.items(), key=lambda item: item[1][1]):
        taken = [h for other, h in heights.items() if abs(positions[other][0] - x) < near]
        heights[name] = max([y, *(h + line for h in taken if h + line > y)])
    return heights


def model_choice(weights: Mapping[str, Sequence[float]], models: Sequence[str], title: str) -> Figure:
    """Which models an ensemble averages for each class, and how much each counts.

    Args:
        weights: class to the weights of the models.
        models: their names.
        title: which ensemble.
    """
    matrix = np.array(list(weights.values()))
    figure, axes = plt.subplots(figsize=(3.2 + 0.42 * len(models), 1.6 + 0.24 * len(matrix)))
    shown = axes.imshow(matrix, cmap="Blues", vmin=0, vmax=matrix.max(), aspect="auto")
    axes.set_xticks(range(len(models)), models, rotation=50, ha="right", rotation_mode="anchor", fontsize=9)
    axes.set_yticks(range(len(weights)), list(weights), fontsize=9)
    axes.set_xticks(np.arange(len(models)) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(weights)) - 0.5, minor=True)
    axes.grid(visible=False)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.set_title(title, fontsize=10)
    figure.colorbar(shown, ax=axes, label="weight in the average", shrink=0.5)
    return figure


def training_curves(histories: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Training loss by epoch, a line a variant; losses under other weights or MixUp are on other scales."""
    figure, axes = plt.subplots(figsize=(9, 4.6))
    colours = plt.get_cmap("tab10").colors
    for number, (name, history) in enumerate(histories.items()):
        style = ("-", "--", ":")[number // len(colours) % 3]
        colour = colours[number % len(colours)]
        axes.plot(
            history["epoch"], history["loss"], style, color=colour, label=name, marker="o", markersize=3
        )
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss (mean over steps)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def contact_sheet(images: np.ndarray, captions: Sequence[str], columns: int = 8) -> Figure:
    """Show images with captions.

    Args:
        images: uint8 (n, H, W).
        captions: one an image.
        columns: images a row.
    """
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.5 * columns, 1.85 * rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, caption in zip(axes.flat, images, captions, strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(caption, fontsize=6.5)
    figure.tight_layout()
    return figure
