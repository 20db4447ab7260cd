"""What must stand beside the numbers of a demo."""

from collections.abc import Mapping, Sequence

from cxrlt_core.params.schema import Params


def caveat(params: Params) -> str:
    """Say what must stand beside every number of a demo; empty for real images and real encoders."""
    if params.demo.sources:
        return "Synthetic demo: drawn images, small stand-in encoders. Reproduces no published figure."
    return "Real images, but untrained stand-in text encoders." if params.demo.text_encoders else ""


def noted(records: Sequence[Mapping], note: str) -> Sequence[Mapping]:
    """Add a column to records that says what must stand beside their numbers, if anything must."""
    return [{**record, "note": note} for record in records] if note else records
