"""What must stand beside numbers: that they are of a demo, and which look this is."""

from collections.abc import Mapping, Sequence

from cxrlt_core.params.schema import Params
from cxrlt_core.system import text


def caveat(params: Params) -> str:
    """Say what must stand beside every number of a demo; empty for real images and real encoders."""
    if params.demo.sources:
        return "Synthetic demo: drawn images, small stand-in encoders. Reproduces no published figure."
    return "Real images, but untrained stand-in text encoders." if params.demo.text_encoders else ""


def noted(records: Sequence[Mapping], note: str) -> Sequence[Mapping]:
    """Add a column to records that says what must stand beside their numbers, if anything must."""
    return [{**record, "note": note} for record in records] if note else records


def look(params: Params) -> str:
    """Say which of the declared looks this is, after a space; nothing where none was declared."""
    looks, seeds = params.evidence.looks, len(params.train.seeds)
    if not looks:
        return ""
    declared = f"at {text.sentence(list(map(str, looks)))} seeds"
    if seeds not in looks:
        return f" {seeds} seeds are no declared look ({declared}), so nothing is judged: this is exploration."
    number = f"look {looks.index(seeds) + 1} of {len(looks)}"
    return f" This is {number} ({declared}), which share the error rate alike."
