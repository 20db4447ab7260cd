"""Rank metrics of one ranking under many weightings of the patients.

The images are sorted once. A resample then only changes how often each counts, and the metrics need the
counts at the positives alone: the counts between two positives are added up, whatever their number. That is
done for some positives at a time, so that all of it stays in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from cxrlt_core.labels import POSITIVE, UNKNOWN

if TYPE_CHECKING:  # a metric is made of what stands here
    from cxrlt_core.metrics.metric import RankMetric

EXACT = 2**23  # float32 counts whole numbers up to twice this
CACHED = 2**16  # numbers that the processor's cache holds several times


@dataclass(frozen=True)
class Ranking:
    """Known labels by falling score, cut behind each tie group that holds a positive.

    Segment g holds the negatives above tie group g, then the group; the last one what follows. Starts have
    one more entry, where the last segment or group ends.
    """

    scores: np.ndarray  # of the groups, falling; float (G,)
    order: Tensor  # patient of each known label, by falling score; int32 (K,)
    starts: Tensor  # where each segment begins in ``order``; int32 (G + 2,)
    positives: Tensor  # patient of each positive, by falling score; int32 (P,)
    positive_starts: Tensor  # where each group begins in ``positives``; int32 (G + 1,)
    tied: Tensor  # patients of the negatives that share a group with a positive; int32 (T,)
    tied_starts: Tensor  # where each group begins in ``tied``; int32 (G + 1,)


def rank(
    targets: np.ndarray,
    scores: np.ndarray,
    patient: np.ndarray | None = None,
    device: torch.device | None = None,
) -> Ranking | None:
    """Rank one class, or several together: then an image counts once for each.

    Takes int targets (N,) or (N, C), -1 unknown, scores of the same shape, and the patient of each image, int
    (N,), by default one of its own. Returns None without a known positive, or without a known negative;
    ValueError when a score of a known label is not finite.
    """
    patient = np.arange(len(targets)) if patient is None else patient
    if targets.ndim > 1:
        patient = np.repeat(patient, targets.shape[1])
    known = targets.ravel() != UNKNOWN
    positive, scores = targets.ravel()[known] == POSITIVE, _finite(scores.ravel()[known])
    if positive.all() or not positive.any():
        return None
    scores, marks = _by_falling_score(scores, patient[known] << 1 | positive)
    order, positive = marks >> 1, (marks & 1).astype(bool)
    last = np.append(scores[1:] != scores[:-1], True)
    ends, group = np.flatnonzero(last) + 1, np.cumsum(last) - last
    at = np.flatnonzero(positive)
    positive_starts = np.flatnonzero(np.diff(group[at], prepend=-1))
    groups = group[at][positive_starts]
    holds = np.zeros(len(ends), bool)
    holds[groups] = True
    tied = np.flatnonzero(~positive & holds[group]) if len(ends) < len(order) else at[:0]
    parts = (
        order,
        np.concatenate([[0], ends[groups], [len(order)]]),
        order[at],
        np.append(positive_starts, len(at)),
        order[tied],
        np.append(np.searchsorted(group[tied], groups), len(tied)),
    )
    tensors = [torch.from_numpy(part.astype(np.int32)).to(device) for part in parts]
    return Ranking(scores[ends[groups] - 1], *tensors)


def _finite(scores: np.ndarray) -> np.ndarray:
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    return scores


def _by_falling_score(scores: np.ndarray, marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort scores, and with them marks of less than 32 bits; in a tie any order will do.

    Single precision and a mark fit into one word, and words are sorted three times as fast.
    """
    if scores.dtype != np.float32:
        order = np.argsort(-scores)
        return scores[order], marks[order]
    words = ~_whole((scores + np.float32(0)).view(np.int32)).astype(np.int64) << 32 | marks  # -0 is 0
    words.sort()
    return _whole(~(words >> 32).astype(np.int32)).view(np.float32), words & 0xFFFFFFFF


def _whole(bits: np.ndarray) -> np.ndarray:
    """Whole numbers that are ordered as the floats with these bits, int32; its own inverse."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def plain_ap(targets: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of one class, (N,) each, in which every image counts once.

    NaN where it is undefined; ValueError when a score of a known label is not finite.
    """
    known, positive = np.sort(_finite(scores[targets != UNKNOWN])), np.sort(scores[targets == POSITIVE])
    if len(positive) in (0, len(known)):
        return np.nan
    hits = len(positive) - np.searchsorted(positive, positive)
    called = len(known) - np.searchsorted(known, positive)
    return float((hits / called).mean())


@dataclass(frozen=True)
class Block:
    """Some tie groups that hold a positive, from the highest score, under b weightings of the patients."""

    ranking: Ranking  # that it is a part of
    weights: Tensor  # how often each patient counts, float32 (P, b)
    part: slice  # which groups
    hits: Tensor  # weight of the positives down to the end of each group, (g, b), exact
    called: Tensor  # weight of all images, likewise
    weight: Tensor  # of the positives in each group, float64 (g, b)

    def above(self) -> Tensor:
        """Return the weight of the negatives above each group, and half of that of those in it, (g, b)."""
        above = self.called - self.hits
        if len(self.ranking.tied):
            above -= 0.5 * _add_up(self.weights, self.ranking.tied, self.ranking.tied_starts, self.part)
        return above


def rank_values(ranking: Ranking, weights: Tensor, metrics: Sequence[RankMetric]) -> Tensor:
    """R metrics under many weightings of P patients by whole numbers, float32 (P, b).

    Returns float64 (R, b); NaN where the weighted images lack a positive or a negative.
    """
    totals = [torch.zeros_like(weights[0], dtype=torch.float64) for _ in metrics]
    for block in _blocks(ranking, weights):
        totals = [total + metric.term(block).sum(0) for total, metric in zip(totals, metrics, strict=True)]
    positives, groups = block.hits[-1].double(), len(ranking.scores)
    rest = _add_up(weights, ranking.order, ranking.starts, slice(groups, groups + 1))[0]
    negatives = block.called[-1].double() + rest - positives
    undefined = (positives == 0) | (negatives == 0)
    values = [
        metric.value(total, positives, negatives) for metric, total in zip(metrics, totals, strict=True)
    ]
    return torch.stack(values).masked_fill(undefined, torch.nan)


def highest_f1(ranking: Ranking, weights: Tensor) -> np.ndarray:
    """The threshold of the highest F1 under many weightings, as of :func:`rank_values`; float (b,).

    Such a threshold is the score of a positive: up to the next one it calls fewer negatives. Of equal ones it
    is the highest; without meaning where no positive has a weight.
    """
    positives = _add_up(weights, ranking.positives, ranking.positive_starts[[0, -1]], slice(0, 1))
    f1 = [
        2 * block.hits.double() / (block.called + positives).double().clamp(min=1)
        for block in _blocks(ranking, weights)
    ]
    return ranking.scores[torch.cat(f1).argmax(0).cpu().numpy()]


def matched_ap(ranking: Ranking, weights: Tensor, prevalence: float) -> Tensor:
    """Average precision at another prevalence, under weightings as of :func:`rank_values`; float64 (b,).

    A positive weighs as much more than a negative as brings each weighting to that prevalence, 0 to 1.
    """
    known = _add_up(weights, ranking.order, ranking.starts[[0, -1]], slice(0, 1))[0].double()
    positives = _add_up(weights, ranking.positives, ranking.positive_starts[[0, -1]], slice(0, 1))[0].double()
    heavier = prevalence / (1 - prevalence) * (known - positives) / positives
    total = torch.zeros_like(positives)
    for block in _blocks(ranking, weights):
        hits = heavier * block.hits.double()
        total += (hits / (hits + block.called - block.hits)).nan_to_num_(0).mul_(block.weight).sum(0)
    return (total / positives).masked_fill((positives == 0) | (positives == known), torch.nan)


def _blocks(ranking: Ranking, weights: Tensor) -> Iterator[Block]:
    """Yield some tie groups at a time, from the highest score; counts in a number format that holds them."""
    exact = torch.float32 if len(ranking.order) < EXACT else torch.float64
    groups = len(ranking.scores)
    rows = max(1, CACHED // max(1, weights.shape[1])) if weights.device.type == "cpu" else groups
    above = known = torch.zeros_like(weights[0], dtype=exact)
    for start in range(0, groups, rows):
        part = slice(start, min(start + rows, groups))
        hit = _add_up(weights, ranking.positives, ranking.positive_starts, part)
        segment = _add_up(weights, ranking.order, ranking.starts, part)
        hits = hit.cumsum(0, dtype=exact).add_(above)
        called = segment.cumsum(0, dtype=exact).add_(known)
        above, known = hits[-1], called[-1]
        yield Block(ranking, weights, part, hits, called, hit.double())


def _add_up(weights: Tensor, which: Tensor, starts: Tensor, part: slice) -> Tensor:
    """Add up the weights of the patients between neighbouring starts, for a part of them; float32 (g, b)."""
    first, end = int(starts[part.start]), int(starts[part.stop])
    return embedding_bag(which[first:end], weights, starts[part] - first, mode="sum")
