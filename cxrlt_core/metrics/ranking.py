"""Average precision and AUROC of one ranking under many weightings of the images.

The images are sorted once. A resample then only changes how often each counts, and both metrics need the
counts at the positives alone: the counts between two positives are added up, whatever their number.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from cxrlt_core.labels import POSITIVE, UNKNOWN

EXACT = 2**23  # float32 counts whole numbers up to twice this
CACHED = 2**16  # numbers that the processor's cache holds several times


@dataclass(frozen=True)
class Ranking:
    """Known labels by falling score, cut behind each tie group that holds a positive.

    Segment g holds the negatives above tie group g, then the group; the last one what follows.

    Attributes:
        order: image of each known label, by falling score; int32 (K,).
        starts: where each segment begins in ``order``; int32 (G + 1,).
        positives: image of each positive, by falling score; int32 (P,).
        positive_starts: where each group begins in ``positives``; int32 (G,).
        tied: images of the negatives that share a group with a positive; int32 (T,).
        tied_starts: where each group begins in ``tied``; int32 (G,).
    """

    order: Tensor
    starts: Tensor
    positives: Tensor
    positive_starts: Tensor
    tied: Tensor
    tied_starts: Tensor


def rank(targets: np.ndarray, scores: np.ndarray, device: torch.device | None = None) -> Ranking | None:
    """Rank one class, or several together: then an image counts once for each.

    Args:
        targets: 1, 0 or -1 (unknown); int (N,) or (N, C).
        scores: of the same shape.
        device: where the ranking is used; the CPU if absent.

    Returns:
        None without a known positive, or without a known negative.

    Raises:
        ValueError: when a score of a known label is not finite.
    """
    classes = 1 if targets.ndim == 1 else targets.shape[1]
    targets, scores = targets.ravel(), scores.ravel()
    known = np.flatnonzero(targets != UNKNOWN)
    if not np.isfinite(scores[known]).all():
        raise ValueError("scores must be finite")
    order = known[np.argsort(-scores[known])]  # in a tie any order will do
    positive = targets[order] == POSITIVE
    if positive.all() or not positive.any():
        return None
    fallen = np.ones(len(order), bool)
    fallen[1:] = scores[order][1:] != scores[order][:-1]
    group = np.cumsum(fallen) - 1
    groups, positive_starts = np.unique(group[positive], return_index=True)
    holds = np.zeros(group[-1] + 1, bool)
    holds[groups] = True
    tied = np.flatnonzero(~positive & holds[group])
    parts = (
        order // classes,
        np.append(0, np.searchsorted(group, groups, side="right")),
        order[positive] // classes,
        positive_starts,
        order[tied] // classes,
        np.searchsorted(group[tied], groups),
    )
    return Ranking(*(torch.from_numpy(part.astype(np.int32)).to(device) for part in parts))


def weighted_ap_auroc(ranking: Ranking, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Average precision and AUROC under many weightings.

    With T_g the weight of the positives in tie group g, and K_g, N_g the weights of all and of the
    negative images down to its end: AP = Σ T_g (Σ_{h≤g} T_h / K_g) / Σ T_g, as scikit-learn's
    ``average_precision_score``; AUROC is the Mann-Whitney statistic, half a point for a tie.

    Args:
        ranking: of N images.
        weights: how often each image counts, whole numbers; float32 (N, b).

    Returns:
        AP and AUROC, float64 (b,); NaN where the weighted images lack a positive or a negative.
    """
    sums = embedding_bag(ranking.order, weights, ranking.starts, mode="sum")
    hits = embedding_bag(ranking.positives, weights, ranking.positive_starts, mode="sum")
    ties = embedding_bag(ranking.tied, weights, ranking.tied_starts, mode="sum")
    exact = torch.float32 if len(ranking.order) < EXACT else torch.float64
    positives = hits.sum(0, dtype=torch.float64)
    negatives = sums.sum(0, dtype=torch.float64) - positives
    precisions, losses = _sum_over_groups(sums[:-1], hits, ties, exact)
    undefined = (positives == 0) | (negatives == 0)
    ap, auroc = precisions / positives, 1 - losses / (positives * negatives)
    return ap.masked_fill(undefined, torch.nan), auroc.masked_fill(undefined, torch.nan)


def highest_f1(ranking: Ranking, weights: Tensor) -> Tensor:
    """The image whose score is the threshold of the highest F1 under many weightings.

    Such a threshold is the score of a positive: up to the next one it calls fewer negatives.

    Args:
        ranking: of N images.
        weights: as of :func:`weighted_ap_auroc`.

    Returns:
        int32 (b,); of equal thresholds the highest. Without meaning where no positive has a weight.
    """
    called = embedding_bag(ranking.order, weights, ranking.starts, mode="sum")[:-1].cumsum(
        0, dtype=torch.float64
    )
    hits = embedding_bag(ranking.positives, weights, ranking.positive_starts, mode="sum")
    hits = hits.cumsum(0, dtype=torch.float64)
    f1 = 2 * hits / (called + hits[-1]).clamp(min=1)
    return ranking.positives[ranking.positive_starts[f1.argmax(0)].long()]


def _sum_over_groups(sums: Tensor, hits: Tensor, ties: Tensor, exact: torch.dtype) -> tuple[Tensor, Tensor]:
    """Σ T_g × precision at g, and the weighted pairs in which the negative wins; float64 (b,) each.

    Args:
        sums: weights of the segments, as those of the positives and of the ties (G, b).
        hits: weights of the positives.
        ties: weights of the negatives that share a group with a positive.
        exact: number format that holds every count.
    """
    known = above = torch.zeros_like(hits[0], dtype=exact)
    precisions = losses = torch.zeros_like(hits[0], dtype=torch.float64)
    rows = max(1, CACHED // hits.shape[1]) if hits.device.type == "cpu" else len(hits)
    for segment, hit, tie in zip(*(part.split(rows) for part in (sums, hits, ties)), strict=True):
        known_to = known + segment.cumsum(0, dtype=exact)
        hits_to = above + hit.cumsum(0, dtype=exact)
        known, above = known_to[-1], hits_to[-1]
        weight = hit.double()
        precisions = precisions + (weight * (hits_to.double() / known_to.double().clamp(min=1))).sum(0)
        losses = losses + (weight * ((known_to - hits_to).double() - 0.5 * tie)).sum(0)
    return precisions, losses
