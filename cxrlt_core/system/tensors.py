"""Safetensors files whose bytes depend on their content alone."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from cxrlt_core.system.atomic import atomic
from cxrlt_core.system.files import existing, readable


def write_tensors(
    path: Path | str, tensors: dict[str, np.ndarray], metadata: dict[str, str] | None = None
) -> None:
    """Write arrays; the same arrays and metadata give the same bytes.

    The library writes metadata in random order, which would make every consumer of the file run again,
    so the header is written once more with its keys in order.
    """
    raw = safetensors.numpy.save(tensors, metadata=metadata)
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8
    with atomic(path) as temporary:
        temporary.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + length :])


def read_tensors(path: Path | str) -> dict[str, np.ndarray]:
    """Read the arrays of a file."""
    with readable(path, "safetensors", SafetensorError):
        return safetensors.numpy.load_file(existing(path))


def read_tensor_metadata(path: Path | str) -> dict[str, str]:
    """Read the metadata of a file."""
    with (
        readable(path, "safetensors", SafetensorError),
        safetensors.safe_open(existing(path), framework="numpy") as file,
    ):
        return file.metadata() or {}
