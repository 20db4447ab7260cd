"""The golden values: one tiny training, and both tables of fixed predictions."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from cxrlt_core.batches.images import PackedImages, PixelStats
from cxrlt_core.designs.reweight import reweight, reweightings
from cxrlt_core.designs.tta import average_views, contents_of, draw_views
from cxrlt_core.evidence.contrasts import judge
from cxrlt_core.evidence.ensembles import Members, gap_of_plain_mean, optimism, score_ensemble
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.evidence.seed_variance import RecombinedSeedVariance, orthogonal_array
from cxrlt_core.evidence.trainings import pooled_seed_variance, score_rows
from cxrlt_core.losses import build_loss
from cxrlt_core.metrics import auroc, average_precision
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.model.classifier import ModelConfig, new_model
from cxrlt_core.model.image_encoder import build_network
from cxrlt_core.params.schema import Params
from cxrlt_core.prediction.inference import Scorer, predict
from cxrlt_core.reporting.attribution import contrasts2
from cxrlt_core.reporting.designs import contrasts1, effects1
from cxrlt_core.reporting.tables import rows1
from cxrlt_core.study.variants import all_members, loss_of, row_members
from cxrlt_core.study.variants import members as members_of
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.records import to_json
from cxrlt_core.system.rounding import or_none
from cxrlt_core.training.build import TrainingData, TrainingSettings, build_training
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.objective import class_weights
from tests.golden.study import CLASSES, GROUPS, golden_params, labels, opinions, patients, pictures

CPU = torch.device("cpu")
PIXELS = PixelStats(0.35, 0.2)
MEANS = (
    "mAP", "mAP_head", "mAP_medium", "mAP_tail", "mAUROC", "micro_AP",
    "F1", "F1_half", "NLL", "NLL_scaled", "ECE", "ECE_scaled", "Brier",
)  # fmt: skip


@cache
def golden_values() -> dict[str, dict]:
    """All golden values, by what they are of; computed in one thread."""
    params, threads = golden_params(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            content, table = development_table(params)
            return {
                "training": training(params),
                "table 1": {**content, "estimates": estimates(table)},
                "table 2": ensemble_table(params),
            }
    finally:
        torch.set_num_threads(threads)


def training(params: Params) -> dict[str, Any]:
    """Six steps with separate classifiers, MixUp, class weights, transforms, clipping, averaged weights."""
    targets = labels(72, stream=0)
    images = pictures(targets, stream=0)
    rule = reweightings(params.reweight)[params.variants["weighted"].weights]  # which classes weigh more
    poor = reweight(dict.fromkeys(CLASSES[:2], 0.5) | dict.fromkeys(CLASSES[2:], 0.25), rule)
    weights = class_weights(poor["weights"], CLASSES, targets, report=False)
    data = TrainingData(packed(images), targets, CLASSES, weights, PIXELS)
    loss = build_loss(loss_of(params, "weighted"), targets)
    settings = TrainingSettings(params.train, loss, 0, params.variants["weighted"].designs)
    run = build_training(untrained(params, targets), data, settings, Ranks(CPU))
    with TemporaryDirectory() as folder:
        history = run.run(Checkpoint(Path(folder)))
    dev = labels(60, stream=1)
    shown = pictures(dev, stream=1)
    views = [None, *draw_views(contents_of(shown), params.tta)]
    plain, *viewed = predict(Scorer(run.state.model, PIXELS, "fp32"), packed(shown), CPU, 32, views)
    return {
        "losses": run.state.losses.tolist(),
        "history": history,
        "predictions": {"plain": plain[:4].tolist(), "TTA": average_views(viewed)[:4].tolist()},
        "AP": by_class(average_precision(dev, plain)),
        "AUROC": by_class(auroc(dev, plain)),
        "weights": digest(run.state.model.state_dict()),
    }


def untrained(params: Params, targets: np.ndarray) -> torch.nn.Module:
    """The tiny model before its training."""
    config = ModelConfig(
        classes=CLASSES,
        image_model="resnet10t",
        image_options={"channels": [4, 8, 8, 8]},
        image_pixels=None,
        image_size=32,
        pixel_mean=PIXELS[0],
        pixel_deviation=PIXELS[1],
        text="any",
        query=params.query.model_dump(),
        image_fit="squash",
        precision="fp32",
        augment=params.train.augment.model_dump(),
        designs={"separate": {}},
        drawn=[],
    )
    embeddings = np.random.default_rng(0).integers(-9, 10, (len(CLASSES), 6)).astype(np.float32)
    torch.manual_seed(0)
    return new_model(config, build_network(config.image_model, config.image_options), embeddings, targets)


def packed(images: np.ndarray) -> PackedImages:
    """Images of one source."""
    return PackedImages({"made": images}, ["made"] * len(images), range(len(images)))


def development_table(params: Params) -> tuple[dict[str, Any], ScoredTable]:
    """Table 1 with its contrasts and main effects, as the report has them; and what they are made of."""
    targets, whose = labels(100, stream=2), patients(100)
    resamples = resample_patients(whose, params.bootstrap.resamples, params.bootstrap.seed)
    classes = count_classes(targets, resamples, CLASSES, GROUPS, params.evidence.min_positives)
    rows = {row.name: (row.variant, row.tta) for row in params.table1}
    names = list(params.variants)

    def read(variant: str, tta: bool) -> list[np.ndarray]:
        return [opinions(targets, names.index(variant), seed, tta) for seed in params.train.seeds]

    data = EvaluationSet(targets, classes, resamples)
    scores = score_rows(data, rows, read, whose)
    seed_variance = pooled_seed_variance(data, rows, members_of(params), read)
    published = {row.name: row.published for row in params.table1}
    table = ScoredTable(scores, seed_variance, params.bootstrap.level, published)
    told = rows1(params, table)
    _, [contrasts] = judge([contrasts1(params, table)], table.level, params.evidence)
    content = {
        "rows": {row.name: {"seeds": row.seeds, "difference": row.difference} for row in told},
        "contrasts": contrasts,
        "effects": effects1(params, table, contrasts),
    }
    return to_json(content), table


def estimates(table: ScoredTable) -> dict[str, dict]:
    """Each mean of each row before it is rounded: point, error, degrees of freedom, small-sample bias."""
    found = {}
    for row, score in table.scores.items():
        each = {name: table.contrast({row: 1.0}, name) for name in MEANS}
        found[row] = {
            name: [or_none(v) for v in (one.point, one.std_error, one.dof, score[name].corrected)]
            for name, one in each.items()
        }
    return found


def ensemble_table(params: Params) -> dict[str, Any]:
    """Table 2: ensembles that development data choose, on test data, as the ensemble stage has them."""
    dev, test, seeds = labels(100, stream=2), labels(120, stream=3), range(len(params.train.seeds))
    size, seed = params.bootstrap.resamples, params.bootstrap.seed
    of_dev, resamples = (resample_patients(patients(n), size, seed) for n in (100, 120))
    names = all_members(params)
    models = [list(params.variants).index(name) for name in names]
    choices = [
        Choice.of(dev, np.stack([opinions(dev, m, s, 1) for m in models]), of_dev, params.ensemble, CPU)
        for s in seeds
    ]
    on_test = [np.stack([opinions(test, m, s, 1) for m in models]) for s in seeds]
    classes = count_classes(test, resamples, CLASSES, GROUPS, params.evidence.min_positives)
    data = EvaluationSet(test, classes, resamples)
    everything = Members(names, params.train.seeds, choices, on_test, data)
    array, among, runs, scores, rows = orthogonal_array(len(models), len(seeds)), {}, {}, {}, {}
    for row in params.table2:
        among[row.name] = used = np.isin(names, row_members(params, row))
        members = everything.among(used)
        runs |= members.recombine({row.name: row.method}, array[:, used])
        scored = score_ensemble(members, row.method)
        scores[row.name] = scored.score
        rows[row.name] = {
            "weights": np.mean(scored.weights, axis=0).tolist(),
            "thresholds": [by_class(fit.thresholds) for fit in scored.fits],
            "temperatures": [fit.temperature for fit in scored.fits],
            "optimism": optimism(scored.gap, gap_of_plain_mean(members), params.bootstrap.level),
        }
    published = {row.name: row.published for row in params.table2}
    table = ScoredTable(scores, RecombinedSeedVariance(array, among, runs), params.bootstrap.level, published)
    _, [contrasts] = judge([contrasts2(params, table)], table.level, params.evidence)
    return to_json({"rows": rows, "contrasts": contrasts, "estimates": estimates(table)})


def by_class(values: np.ndarray) -> dict[str, float | None]:
    """Class to its value."""
    return dict(zip(CLASSES, map(or_none, values), strict=True))


def digest(weights: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of named tensors, bit by bit."""
    found = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        found.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return found.hexdigest()
