"""Made results of a small study: every part that the report and its figures show."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cxrlt_core.evidence.contrasts import Contrast, Measured
from cxrlt_core.evidence.effects import Additivity, Effect, MainEffects
from cxrlt_core.evidence.estimator import Estimate, Interval, Sampled, VarianceComponents
from cxrlt_core.evidence.power_analysis import StudySize, power_analysis
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import Score, ap_of
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.metrics.metric import means
from cxrlt_core.params.schema import Params
from cxrlt_core.results import models
from cxrlt_core.results.data import ClassInfo, Data, LabelCounts, SetCounts, SourceCounts
from cxrlt_core.results.study import Origins, Results
from cxrlt_core.results.tables import Row, Table

CLASSES = {
    "Edema": ClassInfo("head", 0.3),
    "Hernia": ClassInfo("tail", 0.001),
    "Mass": ClassInfo("tail", None),
}
COUNTS = {name: LabelCounts(3, 9, 0) for name in CLASSES} | {"Mass": LabelCounts(0, 0, 12)}
SPLITS = {"dev": "official: development.csv", "test": "carved by patient, 0.2 of them"}
OFTEN = {"Edema": 0.02, "Hernia": 0.83, "Mass": 0.4}
ORIGIN = {
    "commit": "c0ffee", "file": "flax_model.msgpack", "sha256": "0123456789abcdef", "prefix": "bert.",
    "tensors": 37, "parameters": 78848, "share": 1.0, "left_out": {"cls": 5, "pooler": 2},
}  # fmt: skip
NUMBERS = ("mAP_low", "mAP_high", "mAP_corrected", "mAP_seed_sd", *(mean.name for mean in means()))
UNKNOWN = Interval(None, None, None)
PARTS = VarianceComponents(4e-4, 0.0, np.nan, np.nan, np.nan)
EFFECT = Effect(
    "TTA", "off → ✓", {"base+tta": 1.0, "base": -1.0}, Interval(0.1, None, None), None, 0.1, "unresolved"
)
ESTIMATES = dict.fromkeys(("mAP", "mAP_head", "mAP_medium", "mAP_tail"), Estimate(0.1, np.nan, np.inf, 1))
MAIN = {"Edema": 1.0, "Hernia": 2.0, "Mass": 1.0}
WEIGHTS = models.ClassWeights(2.0, "below_mean", 0.25, MAIN, {"0": models.SeedWeights(0.25, MAIN)})
ENCODER = models.Encoder("resnet10t", {"depth": 2}, None, 49, 512, 23_512_345, 4.087, None)
HERE = {"device": "CPU", "kernels": "AVX2", "code": "abc1234", "when": "2026-01-02 03:04 UTC", "torch": "2"}
COST = models.Cost(5.0, "CPU", 9, 1200, 1, 1024, [HERE])
LOOKED = models.Pointing(40, 44, 30, 0.9, 0.8, 0.95, 0.5, 0.6, 0.7)


def make_row(name: str, value: float | None, **changes: Any) -> Row:
    row = Row(
        name=name,
        design={"ensemble": name.replace("_", "-"), "replenished": "✓"},
        metrics=dict.fromkeys(NUMBERS, value),
        std_errors=dict.fromkeys(NUMBERS),
        seeds=[value],
        difference=Interval(0.0, 0.0, 0.0),
        published=0.3,
        label=name,
    )
    return replace(row, **changes)


def make_contrast(row: str = "base+tta", reference: str = "base", **changes: Any) -> Contrast:
    contrast = Contrast(
        what="TTA",
        change="off → ✓",
        rows=[row, reference],
        family="primary",
        difference=Interval(0.1, None, None),
        simultaneous=(None, None),
        p_adjusted=None,
        equivalent_within=None,
        p=None,
        published=0.1,
        detectable=dict.fromkeys(("mAP", "mAP_head", "mAP_medium", "mAP_tail")),
        groups={},
        probability_of_improvement=Interval(0.75, 0.5, 0.9),
        parts=PARTS,
        verdict="unresolved",
    )
    return replace(contrast, **changes)


def make_table(
    number: int, rows: list[Row], contrasts: list[Contrast], seeds: int = 1, positives: Mapping = {}
) -> Table:
    split = {1: "dev", 2: "test"}[number]
    size = StudySize(split, 1000, 900, seeds, 0.95, max(1, len(contrasts)), 0.002)
    return Table(number, split, rows, contrasts, power_analysis(contrasts, size), positives)


def make_scored(rows: list[str], start: float = 0.4) -> ScoredTable:
    """Rows that gain 0.1 each in every defined class, on 20 resamples that differ by class and row."""
    noise = np.random.default_rng(0)

    def score(gain: float) -> Score:
        means = {
            ap_of(name): Sampled(
                np.array([np.nan if info.prevalence is None else start + gain]),
                noise.normal(0, 0.01, (1, 20)),
                np.zeros(1),
            )
            for name, info in CLASSES.items()
        }
        return Score(means, {key: {} for key in CLASSES})

    scores = {name: score(0.1 * number) for number, name in enumerate(rows)}
    trainings = {ap_of(name): np.zeros((2, 2, 1)) for name in CLASSES}
    return ScoredTable(
        scores, PooledSeedVariance({name: (name, False) for name in rows}, list(rows), trainings), 0.95
    )


def make_ensemble(**changes: Any) -> models.Ensemble:
    scores = {name: models.ClassScore(0.5, 0.6, 3, 12, 7, 0.4, 0.7) for name in CLASSES}
    scores["Mass"] = models.ClassScore(None, None, 0, 0, 0)
    bins, curve = models.Bins([9, 3], [0.1, 0.8], [0.0, 0.7]), models.Curve(0.5, [0.5, 1.0], [1.0, 0.5])
    ensemble = models.Ensemble(
        metrics=dict.fromkeys(NUMBERS, 0.5),
        std_errors=dict.fromkeys(NUMBERS),
        seeds=[0.5],
        difference=UNKNOWN,
        models=["x", "y"],
        weights={key: [1.0, 0.0] for key in CLASSES},
        stability={"Edema": 0.9, "Hernia": 0.3, "Mass": 0.5},
        chosen_again={key: [0.8, 0.2] for key in CLASSES},
        calibration={"0": models.Fit(1.2)},
        dev_mAP=0.6,
        plain_dev_mAP=0.5,
        plain_test_mAP=0.45,
        optimism=Interval(0.05, -0.01, 0.11),
        classes=scores,
        curves=models.Curves({"as predicted": bins, "scaled": bins}, {"Hernia": curve}),
    )
    return replace(ensemble, **changes)


def make_data(params: Params) -> Data:
    size = SetCounts(1200, 12, 12, COUNTS)
    sets = dict.fromkeys(("train_primary", "train_replenished", "dev", "test"), size)
    source = SourceCounts(0, 0, 0, 0, {}, [], {}, {}, 0, {}, {})
    sources = dict.fromkeys([params.data.primary, *params.data.extra], source)
    return Data(list(CLASSES), SPLITS, sources, sets, [], [], {})


def make_bag(params: Params) -> Results:
    """A study that declares five pairs: three of Table 1, of which one is undefined, and two of Table 2."""
    rows1 = [make_row(row.name, 0.3, published=None) for row in params.table1]
    base, separate, tta, reweighted, mixup = (row.name for row in rows1)
    rows2 = [make_row(name, 0.3, published=None) for name in ("model_wise", "class_wise")]
    gained = {"what": "separate", "difference": Interval(0.02, 0.01, 0.03), "verdict": "resolved up"}
    lost = {"what": "loss", "change": "off → asl", "difference": Interval(-0.01, -0.02, 0.0)}
    better = Interval(0.01, 0.0, 0.02)
    chosen = {"what": "ensemble", "change": "model-wise → class-wise", "difference": better}
    looked = {"what": "TTA", "family": "exploratory", "difference": Interval(0.5, 0.4, 0.6)}
    steps = [
        make_contrast(reweighted, base, simultaneous=(-0.03, 0.01), published=None, **lost),
        make_contrast(separate, base, simultaneous=(0.005, 0.035), published=None, **gained),
        make_contrast(tta, separate, published=None, **looked),
        make_contrast(mixup, base, published=None, what="MixUp", difference=UNKNOWN),
    ]
    choices = [make_contrast("class_wise", "model_wise", published=None, **chosen)]
    evidence = params.evidence.model_copy(update={"primary": ((base, separate),)})
    params = params.model_copy(update={"evidence": evidence})
    positives = {"Edema": 40, "Hernia": 3, "Mass": 0}
    tables = make_table(1, rows1, steps, 1, positives), make_table(2, rows2, choices, 1, positives)
    names = [row.name for row in rows1]
    return replace(make_results(params, tables=tables, scored=make_scored(names)), params=params)


def make_results(params: Params, **changes: Any) -> Results:
    seeds = len(params.train.seeds)
    step = make_contrast("class_wise", "model_wise")
    measured = Measured("TTA", "off → ✓", step.rows, "primary", 0.1, ESTIMATES)
    positives = {"Edema": 40, "Hernia": 3, "Mass": 0}
    both = dict.fromkeys(("model_wise", "class_wise", "class_wise_replenished"), make_ensemble())
    both["model_wise"] = make_ensemble(weights={key: [0.5, 0.5] for key in CLASSES})
    scores = both["class_wise"].classes
    singles = {"base": models.Single("x", scores), "best single": models.Single("y", scores)}
    rows1 = [make_row("base", 0.25), make_row("base+tta", None)]
    rows2 = [make_row("model_wise", 0.25), make_row("class_wise", 0.5)]
    results = Results(
        params=params.model_copy(update={"table1": params.table1[:2]}),
        data=make_data(params),
        classes=CLASSES,
        tables=(
            make_table(1, rows1, [make_contrast()], seeds, positives),
            make_table(2, rows2, [step], seeds, dict.fromkeys(CLASSES, 7)),
        ),
        effects=MainEffects([EFFECT], Additivity(1, None)),
        scored=make_scored(["base", "base+tta"]),
        ensembles=models.EnsembleScores(1200, both, singles, [measured]),
        targets=np.array([[1, 1, -1], [1, 0, -1], [0, 1, -1]], np.int8),
        weights={"main": WEIGHTS, "contrast": replace(WEIGHTS, ratio=3.0)},
        upweighted=dict.fromkeys(("main", "contrast", "mild"), OFTEN),
        history=[models.Epoch(name, 0, n, 1 / n, 0.01) for name in params.variants for n in (1, 2)],
        costs=dict.fromkeys(params.variants, [COST] * seeds) | dict.fromkeys("xy", [COST] * seeds),
        attention=models.Attention("base", 2, None, {"Edema": LOOKED}),
        origins=Origins(
            encoders={name: replace(ENCODER, network=e.model) for name, e in params.image_encoders.items()},
            texts=dict.fromkeys(params.text_encoders, ORIGIN),
            embedded=dict.fromkeys(params.text_encoders, HERE),
            report={"code": "abc1234", "torch": "2"},
        ),
    )
    return replace(results, **changes)
