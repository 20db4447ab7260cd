"""Average precision and AUROC of one ranking under many weightings of the patients.

The images are sorted once. A resample then only changes how often each counts, and both metrics need the
counts at the positives alone: the counts between two positives are added up, whatever their number. That is
done for some positives at a time, so that all of it stays in the processor's cache.
"""

from collections.abc import Iterator
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

    Segment g holds the negatives above tie group g, then the group; the last one what follows. Starts have
    one more entry, where the last segment or group ends.

    Attributes:
        order: patient of each known label, by falling score; int32 (K,).
        starts: where each segment begins in ``order``; int32 (G + 2,).
        positives: patient of each positive, by falling score; int32 (P,).
        positive_starts: where each group begins in ``positives``; int32 (G + 1,).
        tied: patients of the negatives that share a group with a positive; int32 (T,).
        tied_starts: where each group begins in ``tied``; int32 (G + 1,).
        scores: of the groups, falling; float (G,).
    """

    order: Tensor
    starts: Tensor
    positives: Tensor
    positive_starts: Tensor
    tied: Tensor
    tied_starts: Tensor
    scores: np.ndarray


def rank(
    targets: np.ndarray,
    scores: np.ndarray,
    patient: np.ndarray | None = None,
    device: torch.device | None = None,
) -> Ranking | None:
    """Rank one class, or several together: then an image counts once for each.

    Args:
        targets: 1, 0 or -1 (unknown); int (N,) or (N, C).
        scores: of the same shape.
        patient: of each image, int (N,); each has one of its own if absent.
        device: where the ranking is used; the CPU if absent.

    Returns:
        None without a known positive, or without a known negative.

    Raises:
        ValueError: when a score of a known label is not finite.
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
    groups, positive_starts = _distinct(group[at])
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
    tensors = (torch.from_numpy(part.astype(np.int32)).to(device) for part in parts)
    return Ranking(*tensors, scores[ends[groups] - 1])


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


def _distinct(rising: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct ones of rising numbers, and where each begins."""
    starts = np.flatnonzero(np.diff(rising, prepend=-1))
    return rising[starts], starts


def plain_ap(targets: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of one class, in which every image counts once, as of :func:`weighted_ap_auroc`.

    Args:
        targets: 1, 0 or -1 (unknown); int (N,).
        scores: float (N,).

    Raises:
        ValueError: when a score of a known label is not finite.
    """
    every, found = np.sort(_finite(scores[targets != UNKNOWN])), np.sort(scores[targets == POSITIVE])
    if len(found) in (0, len(every)):
        return np.nan
    hits = len(found) - np.searchsorted(found, found)
    called = len(every) - np.searchsorted(every, found)
    return float((hits / called).mean())


def weighted_ap_auroc(ranking: Ranking, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Average precision and AUROC under many weightings.

    With T_g the weight of the positives in tie group g, and K_g, N_g the weights of all and of the
    negative images down to its end: AP = Σ T_g (Σ_{h≤g} T_h / K_g) / Σ T_g, as scikit-learn's
    ``average_precision_score``; AUROC is the Mann-Whitney statistic, half a point for a tie.

    Args:
        ranking: of images of P patients.
        weights: how often each patient counts, whole numbers; float32 (P, b).

    Returns:
        AP and AUROC, float64 (b,); NaN where the weighted images lack a positive or a negative.
    """
    precisions = losses = torch.zeros_like(weights[0], dtype=torch.float64)
    for part, hits, called, hit in _blocks(ranking, weights):
        above, weight = called - hits, hit.double()
        if len(ranking.tied):
            above -= 0.5 * _add_up(weights, ranking.tied, ranking.tied_starts, part)
        losses = losses + above.double().mul_(weight).sum(0)
        precision = hits.double() / called.double().clamp(min=1)
        precisions = precisions + precision.mul_(weight).sum(0)
    positives, groups = hits[-1].double(), len(ranking.scores)
    rest = _add_up(weights, ranking.order, ranking.starts, slice(groups, groups + 1))[0]
    negatives = called[-1].double() + rest - positives
    undefined = (positives == 0) | (negatives == 0)
    ap, auroc = precisions / positives, 1 - losses / (positives * negatives)
    return ap.masked_fill(undefined, torch.nan), auroc.masked_fill(undefined, torch.nan)


def highest_f1(ranking: Ranking, weights: Tensor) -> np.ndarray:
    """The threshold of the highest F1 under many weightings.

    Such a threshold is the score of a positive: up to the next one it calls fewer negatives.

    Args:
        ranking: of images of P patients.
        weights: as of :func:`weighted_ap_auroc`.

    Returns:
        float (b,); of equal thresholds the highest. Without meaning where no positive has a weight.
    """
    positives = _add_up(weights, ranking.positives, ranking.positive_starts[[0, -1]], slice(0, 1))
    f1 = [2 * h.double() / (c + positives).double().clamp(min=1) for _, h, c, _ in _blocks(ranking, weights)]
    return ranking.scores[torch.cat(f1).argmax(0).cpu().numpy()]


def _blocks(ranking: Ranking, weights: Tensor) -> Iterator[tuple[slice, Tensor, Tensor, Tensor]]:
    """Yield some tie groups at a time, from the highest score.

    Yields:
        Which groups; the weights of positives and of all images down to the end of each, and of the positives
        in it, float (g, b), in a number format that holds every count.
    """
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
        yield part, hits, called, hit


def _add_up(weights: Tensor, which: Tensor, starts: Tensor, part: slice) -> Tensor:
    """Add up the weights of the patients between neighbouring starts, for a part of them; float32 (g, b)."""
    first, end = int(starts[part.start]), int(starts[part.stop])
    return embedding_bag(which[first:end], weights, starts[part] - first, mode="sum")
