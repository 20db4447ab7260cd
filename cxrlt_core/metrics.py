"""Average precision and AUROC: masked by unknown labels, exact under ties, weighted by resampling counts.

One ranking per class serves the point estimates (all weights 1) and every bootstrap resample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.labels import GROUPS, POSITIVE, UNKNOWN


@dataclass(frozen=True)
class Ranking:
    """The known labels of one class by falling score, cut at the tie groups that hold a positive.

    Precision changes between thresholds, but both metrics need it only where a positive lies, so
    a few hundred segments stand for the whole list.

    Attributes:
        order: positions of the known images, by falling score; int64 (K,).
        starts: where segment g begins in ``order``: the negatives above tie group g, then the
            group itself; int64 (G,).
        end: end of the last segment; what follows are negatives below every positive.
        positives: positions of the positives by falling score; int64 (P,).
        positive_starts: where group g begins in ``positives``; int64 (G,).
        tied: positions of the negatives that share a group with a positive; int64 (T,).
        tied_group: the group of each; int64 (T,).
    """

    order: np.ndarray
    starts: np.ndarray
    end: int
    positives: np.ndarray
    positive_starts: np.ndarray
    tied: np.ndarray
    tied_group: np.ndarray


def rank(targets: np.ndarray, scores: np.ndarray) -> Ranking:
    """Rank one class.

    Args:
        targets: 1, 0 or -1 (unknown); int (N,).
        scores: float (N,).

    Raises:
        ValueError: when a score of a known label is not finite.
    """
    known = np.flatnonzero(targets != UNKNOWN)
    if not np.isfinite(scores[known]).all():
        raise ValueError("scores must be finite")
    order = known[np.argsort(-scores[known], kind="stable")]
    sorted_scores, positive = scores[order], targets[order] == POSITIVE
    new_tie = np.ones(len(order), bool)
    new_tie[1:] = sorted_scores[1:] != sorted_scores[:-1]
    tie_group = np.cumsum(new_tie) - 1
    groups, positive_starts = np.unique(tie_group[positive], return_index=True)
    ends = np.searchsorted(tie_group, groups, side="right")
    tied = np.flatnonzero(~positive & np.isin(tie_group, groups))
    return Ranking(
        order=order,
        starts=np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)],
        end=int(ends[-1]) if len(ends) else 0,
        positives=order[positive],
        positive_starts=positive_starts,
        tied=order[tied],
        tied_group=np.searchsorted(groups, tie_group[tied]),
    )


def weighted_metrics(ranking: Ranking, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and AUROC of one class under many weightings of the images.

    With T_g the weight of the positives in tie group g, and K_g, N_g the weights of all and of the
    negative images down to its end: AP = Σ T_g (Σ_{h≤g} T_h / K_g) / Σ T_g, as scikit-learn's
    ``average_precision_score``; AUROC is the Mann-Whitney statistic, half a point for a tie.

    Args:
        ranking: of N images.
        weights: how often each image counts; unsigned or float (N, B).

    Returns:
        AP and AUROC, float64 (B,); NaN where the weighted images lack a positive or a negative.
    """
    resamples = weights.shape[1]
    if not len(ranking.positives) or len(ranking.positives) == len(ranking.order):
        return np.full(resamples, np.nan), np.full(resamples, np.nan)
    in_order = weights[ranking.order]
    known = np.add.reduceat(in_order[: ranking.end], ranking.starts, axis=0, dtype=np.float64)
    below = in_order[ranking.end :].sum(axis=0, dtype=np.float64)
    hits = np.add.reduceat(weights[ranking.positives], ranking.positive_starts, axis=0, dtype=np.float64)
    ties = np.zeros_like(hits)
    np.add.at(ties, ranking.tied_group, weights[ranking.tied].astype(np.float64))

    known_above, hits_above = known.cumsum(axis=0), hits.cumsum(axis=0)
    negatives_above = known_above - hits_above
    positives = hits_above[-1]
    negatives = negatives_above[-1] + below
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(known_above > 0, hits_above / known_above, 0.0)
        ap = (hits * precision).sum(axis=0) / positives
        wins = negatives - negatives_above + 0.5 * ties
        auc = (hits * wins).sum(axis=0) / (positives * negatives)
    undefined = (positives == 0) | (negatives == 0)
    ap[undefined] = auc[undefined] = np.nan
    return ap, auc


def _per_class(targets: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if targets.shape != scores.shape or targets.ndim != 2:
        raise ValueError(f"expected two (N, C) arrays, found {targets.shape} and {scores.shape}")
    unit = np.ones((len(targets), 1))
    pairs = [weighted_metrics(rank(targets[:, c], scores[:, c]), unit) for c in range(targets.shape[1])]
    return np.array([ap[0] for ap, _ in pairs]), np.array([auc[0] for _, auc in pairs])


def average_precision(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision per class, step-wise and tie-aware as scikit-learn defines it.

    Args:
        targets: 1, 0 or -1 (unknown, left out); int (N, C).
        scores: any monotone score; float (N, C).

    Returns:
        float64 (C,); NaN for a class without a known positive or without a known negative.
    """
    return _per_class(targets, scores)[0]


def auroc(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve per class; arguments and result as :func:`average_precision`."""
    return _per_class(targets, scores)[1]


def mean_defined(values: np.ndarray) -> float:
    """Mean over the classes where the metric is defined; NaN if there is none."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def class_sets(classes: Sequence[str], groups: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return the classes behind each mean: ``mAP`` all of them, ``mAP_head`` … those of a group.

    Returns:
        Name of the mean to a boolean mask over the classes, (C,).
    """
    masks = {"mAP": np.ones(len(classes), bool)}
    for group in GROUPS:
        masks[f"mAP_{group}"] = np.array([groups[name] == group for name in classes])
    return masks


def summarise(
    targets: np.ndarray, scores: np.ndarray, classes: Sequence[str], groups: Mapping[str, str]
) -> dict:
    """Metrics of one prediction table as JSON-ready numbers, ``None`` where undefined.

    Args:
        targets: int (N, C).
        scores: float (N, C).
        classes: names of the C columns.
        groups: class to head, medium or tail.
    """
    ap, auc = _per_class(targets, scores)
    means = {name: mean_defined(ap[mask]) for name, mask in class_sets(classes, groups).items()}
    return {
        **{name: or_none(value) for name, value in means.items()},
        "mAUROC": or_none(mean_defined(auc)),
        "images": len(targets),
        "classes": {
            name: {
                "AP": or_none(ap[c]),
                "AUROC": or_none(auc[c]),
                "positive": int((targets[:, c] == POSITIVE).sum()),
                "known": int((targets[:, c] != UNKNOWN).sum()),
                "group": groups[name],
            }
            for c, name in enumerate(classes)
        },
    }


def or_none(value: float) -> float | None:
    """Return the number, or None when it is not finite, as JSON wants it."""
    return float(value) if np.isfinite(value) else None
