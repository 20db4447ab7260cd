"""Model core of the long-tailed chest X-ray ablation study: no DVC, no argument parsing, no fixed paths."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Offer ``load_model``; loaded when asked for, since every import of a room passes here."""
    if name == "load_model":
        from importlib import import_module  # by name: what passes here is no part of every stage's code

        return import_module("cxrlt_core.serving.loading").load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
