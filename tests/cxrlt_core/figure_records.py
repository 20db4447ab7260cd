"""What figures draw, made: classes of each group, one of them undefined."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from made_results import make_contrast, make_ensemble, make_row, make_table

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.power_analysis import ContrastPower
from cxrlt_core.figures.cost import Point
from cxrlt_core.results import models
from cxrlt_core.results.data import ClassInfo, LabelCounts, SetCounts
from cxrlt_core.results.tables import Table

ONE, THREE = "95% intervals; one training each", "90% intervals; 3 seeds each"
CLASSES = {
    "Edema": ClassInfo("head", 0.3),
    "Hernia": ClassInfo("tail", 0.004),
    "Mass": ClassInfo("medium", 0.05),
    "Fibrosis": ClassInfo("tail", None),
}
NONE = Interval(None, None, None)
BOUNDS = [Interval(0.1, 0.05, 0.15), Interval(-0.02, -0.1, 0.06), Interval(-0.2, -0.3, -0.1), NONE]
CHANGES = dict(zip(CLASSES, BOUNDS, strict=True))
PATIENTS = dict(zip(CLASSES, (40, 3, 12, 0), strict=True))
MEANS = {"upweighted": BOUNDS[0], "left alone": BOUNDS[2]}


def contrasts() -> dict[str, Contrast]:
    verdicts = ("resolved up", "unresolved", "practically equivalent", "unresolved")
    published = (0.002, None, -0.305, 0.001)
    return {
        f"{n + 2} − {n + 1}": make_contrast(
            what=f"design {n}",
            family="primary" if n < 3 else "exploratory",
            published=published[n],
            verdict=verdict,
            difference=bounds,
            simultaneous=(bounds.low and bounds.low - 0.01, bounds.high and bounds.high + 0.01),
        )
        for n, (verdict, bounds) in enumerate(zip(verdicts, BOUNDS, strict=True))
    }


def table() -> Table:
    rows = [
        make_row(name, None, published=paper, selected=name == "a")
        for name, paper in zip("abcd", (0.3, None, 0.35, 0.2), strict=True)
    ]
    for row, bounds in zip(rows, BOUNDS, strict=True):
        row.metrics.update(zip(("mAP", "mAP_low", "mAP_high"), bounds, strict=True))
    return make_table(1, rows, [])


def sets() -> dict[str, SetCounts]:
    counts = {
        "train_primary": (1000, (300, 4, 50, 0)), "dev": (300, (90, 1, 9, 0)), "test": (200, (60, 0, 20, 0)),
    }  # fmt: skip
    return {
        name: SetCounts(size, 9, 9, {c: LabelCounts(n, 9, 0) for c, n in zip(CLASSES, its, strict=True)})
        for name, (size, its) in counts.items()
    }


def predictions() -> dict[str, dict[str, models.ClassScore]]:
    """Three of them, each 0.1 above the one before."""
    known = {"Edema": (0.5, 60, 200), "Hernia": (0.1, 2, 200), "Mass": (0.4, 20, 400)}
    found = {}
    for name, shift in (("base", 0.0), ("single", 0.1), ("ensemble", 0.2)):
        found[name] = {
            label: models.ClassScore(ap + shift, 0.5, *counts, 5, ap + shift - 0.12, ap + shift + 0.12)
            for label, (ap, *counts) in known.items()
        } | {"Fibrosis": models.ClassScore(None, None, 0, 0, 5)}
    return found


def weights() -> models.ClassWeights:
    seeds = [dict(zip(CLASSES, its, strict=True)) for its in ((1, 2, 2, 2), (1, 2, 1, 2))]
    by_seed = {str(n): models.SeedWeights(0.2, its) for n, its in enumerate(seeds)}
    return models.ClassWeights(2.0, "below_mean", 0.2, dict.fromkeys(CLASSES, 2.0), by_seed)


def ensemble(**changes: Any) -> models.Ensemble:
    choice = [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [1 / 3] * 3]
    again = [[1, 0.6, 0.4], [0.4, 0.8, 0.8], [0.5, 1, 0.5], [1 / 3] * 3]
    bins = models.Bins([100, 0, 30], [0.02, None, 0.7], [0.01, None, 0.8])
    curves = {
        "Hernia": models.Curve(0.5, [0.5, 1.0], [1.0, 0.1]),
        "Fibrosis": models.Curve(0.3, [0.25, 0.75, 1.0], [0.5, 0.2, 0.05]),
    }
    scores = {name: models.ClassScore(0.5, 0.5, n, 9, 5) for name, n in (("Hernia", 2), ("Fibrosis", 4))}
    made = make_ensemble(
        models=["m1", "m2", "m3"],
        weights=dict(zip(CLASSES, choice, strict=True)),
        chosen_again=dict(zip(CLASSES, again, strict=True)),
        stability=dict(zip(CLASSES, (0.8, 0.8, 0.5, None), strict=True)),
        calibration={"0": models.Fit(0.9)},
        classes=scores,
        curves=models.Curves({"as predicted": bins, "scaled": bins}, curves),
    )
    made.metrics.update(ECE=0.04, ECE_scaled=0.02)
    return replace(made, **changes)


def history(epochs: int, variants: int = 2, seeds: int = 1, monitored: bool = False) -> list[models.Epoch]:
    def score(e: int) -> float | None:
        return (0.1 * e if e % 2 else np.nan) if monitored else None

    numbers = product(range(variants), range(seeds), range(1, epochs + 1))
    return [models.Epoch(f"v{v}", s, e, 1 / e + v + 0.1 * s, 0.01, score(e)) for v, s, e in numbers]


def points(scale: float = 1.0, dear: float = 10.0, steps: int = 300) -> dict[str, list[Point]]:
    times = [Interval(seconds * scale, 9.0 * scale, 45.0 * scale) for seconds in (10.0, dear)]
    rows = [Point(1, 300, times[0], BOUNDS[0]), Point(2, steps, times[1], Interval(0.11, 0.1, 0.2))]
    return {"Table 1": rows, "Table 2": rows}


def steps(**parts: float | None) -> dict[tuple[str, str], ContrastPower]:
    """Two steps, one of them with other parts of its variance."""
    variance = {"patients": 4e-4, "patients_by_seed": 1e-4, "training": 3e-4, "selection": 2e-4}
    power = ContrastPower("TTA", "off → ✓", ["b", "a"], "primary", variance)
    return {("Table 1", "3 − 2"): power, ("Table 2", "3 − 2"): replace(power, variance={**variance, **parts})}


BOX = [0.5, 0.0, 0.75, 0.5]


def looks() -> list[models.Look]:
    image, cells = np.zeros((8, 8), np.uint8), np.array([[0.1, 0.8], [0.1, 0.0]])
    return [
        models.Look(image, "Mass", True, 0.91, cells, [BOX]),
        models.Look(image, "Mass", False, 0.91, cells, []),
        models.Look(image, "Edema", True, 0.91, cells, []),
    ]


def examples() -> list[models.Example]:
    image = np.zeros((8, 8), np.uint8)
    return [models.Example(image, labels) for labels in (["a"], ["b", "c", "d", "e"], [])]


SHARES = np.array([[np.nan, 0.1, np.nan], [0.6, np.nan, np.nan], [0.2, np.nan, np.nan]])
THREE_CLASSES = {
    "Edema": ClassInfo("head", 0.3),
    "Mass": ClassInfo("medium", 0.05),
    "Hernia": ClassInfo("tail", 0.01),
}
