"""Scores on the development set: the rows of Table 1, and how stable the choice of class weights is."""

import numpy as np
import torch

from cxrlt_core.designs.reweight import reweightings
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.evidence.selection import upweighted_share
from cxrlt_core.evidence.trainings import pooled_seed_variance, score_rows
from cxrlt_core.metrics.bootstrap import PatientResamples, centred, resample_patients
from cxrlt_core.metrics.scores import average_precision, resample_ranks
from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import members
from stages.artifacts.predictions import read_predictions
from stages.artifacts.sets import LabelledSet, read_groups, read_set


def score_table1(params: Params, device: torch.device) -> tuple[ScoredTable, PooledSeedVariance]:
    """Score the rows of Table 1 on the development set; return them and the noise of all trainings."""
    dev = read_set("dev")
    data = evaluation_set(params, dev, device)
    rows = {row.name: (row.variant, row.tta) for row in params.table1}

    def read(variant: str, tta: bool) -> list[np.ndarray]:
        rule = params.study.aggregate
        return [read_predictions(variant, seed, dev, rule, tta) for seed in params.train.seeds]

    scores = score_rows(data, rows, read, dev.table["patient_id"])
    seed_variance = pooled_seed_variance(data, rows, members(params), read)
    published = {row.name: row.published for row in params.table1}
    return ScoredTable(scores, seed_variance, params.bootstrap.level, published), seed_variance


def upweighted_shares(params: Params, device: torch.device) -> dict[str, dict[str, float]]:
    """Return how often each reweighting would put up each class on other development patients."""
    dev, scores = read_set("dev"), []
    resamples = draw_patients(params, dev)
    for seed in params.train.seeds:
        # image by image, as it was fed back
        predictions = read_predictions(params.reweight.base, seed, dev, "none")
        resampled = resample_ranks(dev.targets, predictions, resamples, device)["AP"]
        scores.append(average_precision(dev.targets, predictions) + centred(resampled, axis=0)[1])
    return {
        name: upweighted_share(np.concatenate(scores), dev.classes, rule)
        for name, rule in reweightings(params.reweight).items()
    }


def draw_patients(params: Params, data: LabelledSet) -> PatientResamples:
    """Resample the patients of a set."""
    return resample_patients(data.table["patient_id"], params.bootstrap.resamples, params.bootstrap.seed)


def evaluation_set(params: Params, data: LabelledSet, device: torch.device) -> EvaluationSet:
    """Return a set as rows are scored on it."""
    resamples, least = draw_patients(params, data), params.evidence.min_positives
    classes = count_classes(data.targets, resamples, data.classes, read_groups(), least)
    return EvaluationSet(data.targets, classes, resamples, device)
