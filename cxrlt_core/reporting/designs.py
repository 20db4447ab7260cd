"""What the rows of the tables have of each design: as text for people, as content for comparisons.

Designs are the fields of a variant, whatever they are; only what they are called is written down here.
"""

from typing import Any

from cxrlt_core.evidence.contrasts import Design
from cxrlt_core.params.schema import Params, Table1Row, Table2Row

TICK = "✓"
#: Field of a variant to what the tables call it; another field goes by its own name.
TITLES = {
    "image": "image encoder",
    "text": "text encoder",
    "weights": "reweight",
    "mixup": "MixUp",
    "data": "replenished",
}


def row_designs(params: Params, row: Table1Row) -> dict[str, Design]:
    """Return the designs of a row of Table 1: every field of its variant by content, and TTA."""
    contents, designs = params.content_of(row.variant), {}
    for field, value in params.variants[row.variant].model_dump().items():
        text = _text(params, row.variant, field, value)
        designs[TITLES.get(field, field)] = Design(text, contents[field], str(value))
    return designs | {"TTA": Design(_tick(row.tta), row.tta)}


def ensemble_designs(row: Table2Row) -> dict[str, Design]:
    """Return the designs of a row of Table 2."""
    return {
        "ensemble": Design(row.method.replace("_", "-"), row.method),
        "replenished": Design(_tick(row.replenished), row.replenished),
    }


def texts(designs: dict[str, Design]) -> dict[str, str]:
    """Return what a table shows of designs."""
    return {name: design.text for name, design in designs.items()}


def _text(params: Params, variant: str, field: str, value: Any) -> str:
    match field:
        case "weights":
            return weights_text(params, value)
        case "loss":
            return loss_text(value, params.loss_of(variant).kind)
        case "data":
            return _tick(value == "replenished")
    if isinstance(value, bool | None):
        return _tick(bool(value))
    return str(value)


def _tick(on: bool) -> str:
    return TICK if on else ""


def weights_text(params: Params, name: str) -> str:
    """Say the ratio of the weights that a variant trains with, and the name where that is not plain."""
    if name == "uniform":
        return ""
    ratio = f"{params.reweightings[name].ratio:g}"
    return f"{ratio} {name}" if name in params.reweight.more else ratio


def loss_text(name: str, kind: str) -> str:
    """Name the entry of ``losses`` that a variant trains with; nothing for binary cross-entropy."""
    return "" if kind == "bce" else name
