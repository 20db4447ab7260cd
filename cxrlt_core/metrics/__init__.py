"""Metrics over partial labels; the two that other tools call are importable from here."""

from cxrlt_core.metrics.scores import auroc, average_precision

__all__ = ["auroc", "average_precision"]
