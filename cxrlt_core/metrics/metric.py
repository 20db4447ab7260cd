"""What a metric is, and which there are: those that the modules of this package list as ``METRICS``.

A metric takes one of two passes over the resamples, which all metrics share: over rankings, sorted once
(:mod:`cxrlt_core.metrics.ranking`), or over sums of what each label contributes
(:mod:`cxrlt_core.metrics.sums`). A class without a known positive or a known negative is undefined in all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TypeVar

import numpy as np
from torch import Tensor

from cxrlt_core.labels import GROUPS
from cxrlt_core.metrics.ranking import Block
from cxrlt_core.metrics.sums import Labels, Term

TABLE, FURTHER = "table", "further"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is told of a metric."""

    name: str  # of the value of a class, in files
    mean: str  # name of the mean over the classes: a column of the CSV tables
    title: str  # heads its column where people read
    place: float  # its columns stand behind those of metrics with a smaller one
    shown: str = FURTHER  # in the tables themselves, or among the further metrics
    higher_is_better: bool = True  # or lower
    by_group: bool = False  # has means over head, medium and tail classes besides
    pooled: bool = False  # of the labels of all classes together; has no value of a class


@dataclass(frozen=True, kw_only=True)
class RankMetric(Metric):
    """A metric that a ranking decides."""

    term: Callable[[Block], Tensor]  # what each tie group of a block adds, float64 (g, b)
    # from the total of the terms, the weight of the positives and that of the negatives; float64 (b,) each
    value: Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class SumMetric(Metric):
    """A metric that follows from sums over the known labels of a class."""

    terms: Callable[[Labels], Sequence[Term]]  # what each label adds; all of them binned, or none
    # from the sums of the terms, the number of labels and that of positives, of one shape; by default a mean
    value: Callable[[Sequence[Tensor], Tensor, Tensor], Tensor] = lambda sums, known, _: sums[0] / known
    tuned: bool = False  # reads the threshold, and is undefined where there is none

    @property
    def widths(self) -> list[int]:
        """Number of sums of each term."""
        nothing = np.zeros(0)
        return [term.width for term in self.terms(Labels(nothing > 0, nothing, nothing, np.nan))]


@dataclass(frozen=True)
class Mean:
    """A mean of a metric over classes."""

    name: str  # its column in the CSV tables
    title: str  # heads its column where people read
    metric: Metric
    group: str | None = None  # head, medium or tail; None for all classes


Kind = TypeVar("Kind", bound=Metric)


@cache
def metrics() -> tuple[Metric, ...]:
    """Return all metrics, in the order of their columns."""
    names = [module.name for module in iter_modules([str(Path(__file__).parent)])]
    modules = [import_module(f"cxrlt_core.metrics.{name}") for name in names]
    listed: list[Metric] = [metric for module in modules for metric in getattr(module, "METRICS", ())]
    return tuple(sorted(listed, key=lambda metric: metric.place))


def metrics_of(kind: type[Kind], pooled: bool = False) -> list[Kind]:
    """Return the metrics of a kind that have a value of a class, or the pooled ones."""
    return [metric for metric in metrics() if isinstance(metric, kind) and metric.pooled == pooled]


@cache
def means() -> tuple[Mean, ...]:
    """Return all means, in the order of their columns."""
    listed = []
    for metric in metrics():
        listed.append(Mean(metric.mean, metric.title, metric))
        if metric.by_group:
            listed += [Mean(f"{metric.mean}_{group}", group, metric, group) for group in GROUPS]
    return tuple(listed)


def mean_over_classes(values: np.ndarray, which: np.ndarray | bool = True) -> np.ndarray:
    """Mean over those classes (the last axis) where the metric is defined; NaN if there is none."""
    defined = which & np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, values, 0.0).sum(axis=-1) / defined.sum(axis=-1))
