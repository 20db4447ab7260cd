"""What the files of tricks say of themselves, in lines of their docstrings; editing them re-runs nothing."""

import re
from types import ModuleType

from cxrlt_core.designs import find_design, names
from cxrlt_core.designs.ensemble import TITLE as ENSEMBLE
from cxrlt_core.losses import find_kind
from cxrlt_core.params.schema import Params


def said(module: ModuleType, word: str) -> str:
    """Return what follows a word at the start of a line, up to the next such line or paragraph."""
    match = re.search(rf"^{word}: (.*?)(?=\n\n|\n[A-Z][a-z ]+: |\Z)", module.__doc__ or "", re.M | re.S)
    return " ".join(match[1].split()).rstrip(".") if match else "not stated"


def claimed(module: ModuleType) -> str:
    """Return what was published of a trick, on what data, and where."""
    return said(module, "Claimed")


def trick_of(params: Params, what: str, change: str) -> ModuleType | None:
    """Return the file of what a step changes; None where it has none, as a recipe, or changes several things.

    ``what`` and ``change`` are those of a contrast: ``loss`` and ``off → asl``, say.
    """
    after = change.rpartition(" → ")[2]
    if what == "loss":
        return find_kind(params.losses[after].kind) if after in params.losses else None
    title = after if what == ENSEMBLE else what
    modules = map(find_design, names())
    return next((module for module in modules if getattr(module, "TITLE", None) == title), None)
