"""Sources and external sets, which are read and packed alike."""

from cxrlt_core.params.schema import Params, Source


def source_entry(params: Params, name: str) -> tuple[str, Source]:
    """Return the key and the entry of a source, or of an external set; their names are apart."""
    section = "external" if name in params.data.external else "sources"
    return f"data.{section}.{name}", getattr(params.data, section)[name]
