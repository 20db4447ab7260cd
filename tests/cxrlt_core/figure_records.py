"""Made records of every figure: three classes of a group each, one of them undefined."""

from dataclasses import replace
from typing import Any

import numpy as np

from cxrlt_core.figures import (
    class_changes,
    class_scores,
    contrasts,
    cooccurrence,
    cost,
    long_tail,
    member_choice,
    precision_recall,
    reliability,
    reweighting,
    tables,
    variance,
)
from cxrlt_core.figures.style import Sampling
from cxrlt_core.results.models import Epoch, Example, Look

ONE, THREE = Sampling(0.95, 1), Sampling(0.9, 3)
CLASSES = [
    ("Edema", "head", 0.3),
    ("Hernia", "tail", 0.004),
    ("Mass", "medium", 0.05),
    ("Fibrosis", "tail", None),
]
BOUNDS = [(0.1, 0.05, 0.15), (-0.02, -0.1, 0.06), (-0.2, -0.3, -0.1), (None, None, None)]
UNDEFINED = {"difference": None, "low": None, "high": None}
IMAGES = {"train_primary": 1000, "dev": 300, "test": 200}
MODELS = ["m1", "m2", "m3"]
ERRORS = {"as predicted": 0.04, "scaled": 0.02}


def lines() -> list[contrasts.Line]:
    verdicts = ("resolved up", "unresolved", "negligible", "unresolved")
    published = (0.002, None, -0.305, 0.001)
    return [
        contrasts.Line(
            f"design {n}", "off → ✓", "primary" if n < 3 else "exploratory", published[n], verdict,
            f"{n + 2} − {n + 1}", point, low, high, low and low - 0.01, high and high + 0.01,
        )
        for n, (verdict, (point, low, high)) in enumerate(zip(verdicts, BOUNDS, strict=True))
    ]  # fmt: skip


def rows() -> list[tables.Line]:
    names, published = ("1  a", "2  b", "3  c", "4  d"), (0.3, None, 0.35, 0.2)
    return [
        tables.Line(name, *bounds, paper, name == "1  a")
        for name, bounds, paper in zip(names, BOUNDS, published, strict=True)
    ]


def positives() -> list[long_tail.Positives]:
    counts = ((300, 90, 60), (4, 1, 0), (50, 9, 20), (0, 0, 0))
    return [
        long_tail.Positives(*one, dict(zip(IMAGES, its, strict=True)))
        for one, its in zip(CLASSES, counts, strict=True)
    ]


def scores(names: tuple[str, ...] = ("base", "single", "ensemble")) -> list[class_scores.Scores]:
    found = []
    counts, points = ((60, 0.3), (2, 0.01), (20, 0.05), (0, None)), (0.5, 0.1, 0.4, None)
    for one, its, point in zip(CLASSES, counts, points, strict=True):
        values = {}
        for shift, name in enumerate(names):
            value = point and point + 0.1 * shift
            values |= {
                name: value,
                f"{name}_low": value and value - 0.12,
                f"{name}_high": value and value + 0.12,
            }
        found.append(class_scores.Scores(*one, *its, values))
    return found


def changes() -> list[class_changes.Change]:
    return [
        class_changes.Change(*one, patients, *bounds)
        for one, patients, bounds in zip(CLASSES, (40, 3, 12, 0), BOUNDS, strict=True)
    ]


def weighted() -> list[reweighting.Weighted]:
    blocks = ("left alone", "upweighted", "in some seeds", "upweighted")
    return [
        reweighting.Weighted(*one, 2.0, block, *bounds)
        for one, block, bounds in zip(CLASSES, blocks, BOUNDS, strict=True)
    ]


MEANS = [reweighting.Mean("upweighted", *BOUNDS[0]), reweighting.Mean("left alone", *BOUNDS[2])]


def choices() -> list[member_choice.Choice]:
    its = (
        ([0.5, 0.5, 0], [1, 0.6, 0.4], 0.8),
        ([0, 0.5, 0.5], [0.4, 0.8, 0.8], 0.8),
        ([0.5, 0, 0.5], [0.5, 1, 0.5], 0.5),
        ([1 / 3] * 3, [1 / 3] * 3, None),
    )
    return [
        member_choice.Choice(
            *one, stable, dict(zip(MODELS, weights, strict=True)), dict(zip(MODELS, again, strict=True))
        )
        for one, (weights, again, stable) in zip(CLASSES, its, strict=True)
    ]


def pairs(both: int = 6) -> list[cooccurrence.Pair]:
    names = {"Edema": 0.3, "Mass": 0.05, "Hernia": 0.01}
    shares = {("Edema", "Mass"): 0.1, ("Mass", "Edema"): 0.6, ("Hernia", "Edema"): 0.2}
    return [cooccurrence.Pair(a, b, both, shares.get((a, b)), names[b]) for a in names for b in names]


def bins() -> list[reliability.Bin]:
    values = ((100, 0.02, 0.01), (0, None, None), (30, 0.7, 0.8))
    return [reliability.Bin(which, *its) for which in ERRORS for its in values]


def curve() -> tuple[list[precision_recall.Point], list[precision_recall.Tail]]:
    points = {"Hernia": [(0.5, 1.0), (1.0, 0.1)], "Fibrosis": [(0.25, 0.5), (0.75, 0.2), (1.0, 0.05)]}
    records = [precision_recall.Point(label, *point) for label, its in points.items() for point in its]
    return records, [precision_recall.Tail("Fibrosis", 0.3, 4), precision_recall.Tail("Hernia", 0.5, 2)]


def history(epochs: int, variants: int = 2, seeds: int = 1, monitored: bool = False) -> list[Epoch]:
    return [
        Epoch(f"v{v}", s, e, 1 / e + v + 0.1 * s, 0.01, (0.1 * e if e % 2 else np.nan) if monitored else None)
        for v in range(variants)
        for s in range(seeds)
        for e in range(1, epochs + 1)
    ]


def costs() -> list[cost.Costs]:
    rows = ((1, 10.0, BOUNDS[0]), (2, 10.0, (0.11, 0.1, 0.2)), (3, 25.0, BOUNDS[3]))
    return [
        cost.Costs(table, number, str(number), *bounds, None, False, seconds)
        for table in ("Table 1", "Table 2")
        for number, seconds, bounds in rows
    ]


def parts(**changes: float | None) -> variance.Parts:
    made = variance.Parts("Table 1", "TTA", "off → ✓", "3 − 2", 4e-4, 1e-4, 3e-4, 2e-4)
    return replace(made, **changes)


BOX = [0.5, 0.0, 0.75, 0.5]


def looks() -> list[Look]:
    image, cells = np.zeros((8, 8), np.uint8), np.array([[0.1, 0.8], [0.1, 0.0]])
    return [
        Look(image, "Mass", True, 0.91, cells, BOX),
        Look(image, "Mass", False, 0.91, cells, None),
        Look(image, "Edema", True, 0.91, cells, None),
    ]


def examples() -> list[Example]:
    return [Example(np.zeros((8, 8), np.uint8), labels) for labels in (["a"], ["b", "c", "d", "e"], [])]


def undefined(records: list[Any], *keys: str) -> list[Any]:
    return [replace(record, **dict.fromkeys(keys)) for record in records]


def arguments() -> dict[str, tuple[Any, ...]]:
    """Module, and what is special, to the arguments of its ``draw``."""
    three = ("base", "single", "ensemble")
    nothing = [replace(one, scores=dict.fromkeys(one.scores)) for one in scores()]
    none = [replace(one, positives=dict.fromkeys(IMAGES, 0)) for one in positives()]
    apart = [replace(one, both=0, share=None) for one in pairs()]
    return {
        "contrasts": (lines(), THREE, 0.002, "mAP, test set"),
        "contrasts undefined": (undefined(lines(), *UNDEFINED, "published"), ONE, 0.002, "mAP"),
        "tables": (rows(), ONE, "mAP"),
        "tables undefined": (undefined(rows(), "mAP", "low", "high", "published"), THREE, "mAP"),
        "long_tail": (positives(), IMAGES),
        "long_tail nothing": (none, IMAGES),
        "class_scores": (scores(), three, THREE, "test set"),
        "class_scores undefined": (nothing, three, ONE, "test set"),
        "class_changes": (changes(), ONE, "reweight off → 2"),
        "class_changes undefined": (undefined(changes(), *UNDEFINED), ONE, "reweight off → 2"),
        "reweighting": (weighted(), MEANS, ONE, "reweight off → 2"),
        "member_choice": (choices(), MODELS, "class_wise"),
        "member_choice nothing": (undefined(choices(), "stability"), MODELS, "class_wise"),
        "cooccurrence": (pairs(),),
        "cooccurrence nothing": (apart,),
        "reliability": (bins(), ERRORS, "class_wise", "T = 0.9"),
        "precision_recall": (*curve(), "class_wise"),
        "learning_curves": (history(5),),
        "learning_curves one epoch": (history(1, seeds=2, monitored=True),),
        "learning_curves a hundred": (history(100, variants=20, seeds=3, monitored=True),),
        "cost": (costs(), ONE, "CPU"),
        "cost undefined": (undefined(costs(), "mAP", "low", "high"), ONE, "CPU"),
        "variance": ([parts(), parts(selection=0.0)],),
        "variance one seed": ([parts(training=None, patients_by_seed=None)],),
        "attention": (looks(),),
        "examples": (examples(),),
    }
