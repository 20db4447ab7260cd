"""Made records of every figure: three classes of a group each, one of them undefined."""

from typing import Any

import numpy as np

from cxrlt_core.figures.style import Sampling

ONE, THREE = Sampling(0.95, 1), Sampling(0.9, 3)
CLASSES = [
    {"class": "Edema", "group": "head", "prevalence": 0.3},
    {"class": "Hernia", "group": "tail", "prevalence": 0.004},
    {"class": "Mass", "group": "medium", "prevalence": 0.05},
    {"class": "Fibrosis", "group": "tail", "prevalence": None},
]
BOUNDS = [(0.1, 0.05, 0.15), (-0.02, -0.1, 0.06), (-0.2, -0.3, -0.1), (None, None, None)]


def bounded(name: str) -> list[dict]:
    return [{name: v, "low": low, "high": high} for v, low, high in BOUNDS]


def each(*parts: list[dict]) -> list[dict]:
    return [{k: v for part in line for k, v in part.items()} for line in zip(CLASSES, *parts, strict=True)]


def contrasts() -> list[dict]:
    verdicts = ("resolved up", "unresolved", "negligible", "unresolved")
    published = (0.002, None, -0.305, 0.001)
    return [
        {
            "what": f"design {n}", "change": "off → ✓", "rows": f"{n + 2} − {n + 1}", "verdict": verdict,
            "family": "primary" if n < 3 else "exploratory", "published": paper, **one,
            "simultaneous_low": one["low"] and one["low"] - 0.01,
            "simultaneous_high": one["high"] and one["high"] + 0.01,
        }
        for n, (verdict, paper, one) in enumerate(
            zip(verdicts, published, bounded("difference"), strict=True)
        )
    ]  # fmt: skip


def table() -> list[dict]:
    names, published = ("1  a", "2  b", "3  c", "4  d"), (0.3, None, 0.35, 0.2)
    return [
        {"row": name, "published": paper, "selected": name.startswith("1"), **one}
        for name, paper, one in zip(names, published, bounded("mAP"), strict=True)
    ]


def sets() -> list[dict]:
    counts = ((300, 90, 60), (4, 1, 0), (50, 9, 20), (0, 0, 0))
    return each([dict(zip(("train_primary", "dev", "test"), its, strict=True)) for its in counts])


IMAGES = {"train_primary": 1000, "dev": 300, "test": 200}


def scores(names: tuple[str, ...] = ("base", "single", "ensemble")) -> list[dict]:
    counts = [{"positive": n, "chance": c} for n, c in ((60, 0.3), (2, 0.01), (20, 0.05), (0, None))]
    found = [{} for _ in CLASSES]
    for shift, name in enumerate(names):
        for one, point in zip(found, (0.5, 0.1, 0.4, None), strict=True):
            value = None if point is None else point + 0.1 * shift
            low, high = (None, None) if point is None else (value - 0.12, value + 0.12)
            one |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return each(counts, found)


def changes() -> list[dict]:
    return each([{"patients": n} for n in (40, 3, 12, 0)], bounded("difference"))


def weighted() -> list[dict]:
    blocks = ("left alone", "upweighted", "in some seeds", "upweighted")
    return each([{"weight": 2.0, "block": block} for block in blocks], bounded("difference"))


MEANS = [
    {"block": "upweighted", **bounded("difference")[0]},
    {"block": "left alone", **bounded("difference")[2]},
]
MODELS = ["m1", "m2", "m3"]


def choice() -> list[dict]:
    lines = [
        ([0.5, 0.5, 0, 1, 0.6, 0.4], 0.8),
        ([0, 0.5, 0.5, 0.4, 0.8, 0.8], 0.8),
        ([0.5, 0, 0.5, 0.5, 1, 0.5], 0.5),
        ([1 / 3] * 6, None),
    ]
    names = [*MODELS, *(f"{model}_again" for model in MODELS)]
    return each([{"stability": s, **dict(zip(names, weights, strict=True))} for weights, s in lines])


def pairs() -> list[dict]:
    shares = {("Edema", "Mass"): 0.1, ("Mass", "Edema"): 0.6, ("Hernia", "Edema"): 0.2}
    expected = {"Edema": 0.3, "Mass": 0.05, "Hernia": 0.01}
    return [
        {"class": a, "other": b, "both": 6, "share": shares.get((a, b)), "expected": expected[b]}
        for a in expected
        for b in expected
    ]


def bins() -> list[dict]:
    values = ((100, 0.02, 0.01), (0, None, None), (30, 0.7, 0.8))
    return [
        {"which": which, "labels": n, "score": score, "share": share}
        for which in ("as predicted", "scaled")
        for n, score, share in values
    ]


ERRORS = {"as predicted": 0.04, "scaled": 0.02}


def curve() -> tuple[list[dict], list[dict]]:
    points = {"Hernia": [(0.5, 1.0), (1.0, 0.1)], "Fibrosis": [(0.25, 0.5), (0.75, 0.2), (1.0, 0.05)]}
    records = [{"class": c, "recall": r, "precision": p} for c, its in points.items() for r, p in its]
    return records, [
        {"class": "Fibrosis", "AP": 0.3, "positive": 4},
        {"class": "Hernia", "AP": 0.5, "positive": 2},
    ]


def history(epochs: int, variants: int = 2, seeds: int = 1, monitored: bool = False) -> list[dict]:
    return [
        {
            "variant": f"v{v}", "seed": s, "epoch": e, "loss": 1 / e + v + 0.1 * s,
            **({"dev_mAP": 0.1 * e if e % 2 else np.nan} if monitored else {}),
        }
        for v in range(variants)
        for s in range(seeds)
        for e in range(1, epochs + 1)
    ]  # fmt: skip


def costs() -> list[dict]:
    rows = ((1, 10.0, BOUNDS[0]), (2, 10.0, (0.11, 0.1, 0.2)), (3, 25.0, BOUNDS[3]))
    return [
        {"table": t, "number": n, "row": str(n), "seconds": s, "mAP": v, "low": low, "high": high}
        for t in ("Table 1", "Table 2")
        for n, s, (v, low, high) in rows
    ]


def split() -> list[dict]:
    names = {"table": "Table 1", "what": "TTA", "change": "off → ✓", "rows": "3 − 2"}
    parts = {"patients": 4e-4, "patients_by_seed": 1e-4, "training": 3e-4, "selection": 0.0}
    return [{**names, **parts}, {**names, **parts, "selection": 2e-4}]


def undefined(records: list[dict], *keys: str) -> list[dict]:
    return [{**one, **dict.fromkeys(keys)} for one in records]


def maps() -> list[dict]:
    look = {"probability": 0.9, "map": [[0.1, 0.7], [0.2, 0.0]]}
    return [
        {"class": "Edema", "labelled": True, "box": [0.5, 0.0, 0.75, 0.5], **look},
        {"class": "Edema", "labelled": False, "box": None, **look},
        {"class": "Hernia", "labelled": True, "box": None, **look},
    ]


def arguments() -> dict[str, tuple[Any, ...]]:
    """Module, and what is special, to the arguments of its ``draw`` and ``caption``."""
    bounds = ("difference", "low", "high")
    three = ("base", "single", "ensemble")
    nothing = [f"{name}{b}" for name in three for b in ("", "_low", "_high")]
    return {
        "contrast_forest": (contrasts(), THREE, 0.002, "mAP, test set"),
        "contrast_forest undefined": (undefined(contrasts(), *bounds, "published"), ONE, 0.002, "mAP"),
        "table_forest": (table(), ONE, "mAP"),
        "table_forest undefined": (undefined(table(), "mAP", "low", "high", "published"), THREE, "mAP"),
        "long_tail": (sets(), IMAGES),
        "long_tail nothing": ([{**one, **dict.fromkeys(IMAGES, 0)} for one in sets()], IMAGES),
        "class_scores": (scores(), three, THREE, "test set"),
        "class_scores undefined": (undefined(scores(), *nothing), three, ONE, "test set"),
        "class_changes": (changes(), ONE, "reweight off → 2"),
        "class_changes undefined": (undefined(changes(), *bounds), ONE, "reweight off → 2"),
        "reweighting": (weighted(), MEANS, ONE, "reweight off → 2"),
        "member_choice": (choice(), MODELS, "class_wise"),
        "member_choice nothing": (undefined(choice(), "stability"), MODELS, "class_wise"),
        "cooccurrence": (pairs(), "train_primary"),
        "cooccurrence nothing": ([{**one, "both": 0, "share": None} for one in pairs()], "train_primary"),
        "reliability": (bins(), ERRORS, "class_wise", "T = 0.9"),
        "precision_recall": (*curve(), "class_wise"),
        "learning_curves": (history(5),),
        "learning_curves one epoch": (history(1, seeds=2, monitored=True),),
        "learning_curves a hundred": (history(100, variants=20, seeds=3, monitored=True),),
        "cost_benefit": (costs(), ONE, "CPU"),
        "cost_benefit undefined": (undefined(costs(), "mAP", "low", "high"), ONE, "CPU"),
        "variance_split": (split(),),
        "variance_split one seed": (undefined(split(), "training", "patients_by_seed"),),
        "attention_maps": (maps(), np.zeros((3, 8, 8), np.uint8)),
        "contact_sheet": (np.zeros((3, 8, 8), np.uint8), [["a"], ["b", "c", "d", "e"], []], 2),
    }
