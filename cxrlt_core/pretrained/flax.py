"""Flax's msgpack files as tensors under PyTorch's names, without jax or flax.

The format is that of ``flax.serialization.to_bytes``: a map of maps whose leaves are arrays, an array being
an extension of type 1 that packs shape, dtype and the bytes in C order; arrays of more than 1 GiB are cut
into chunks.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ARRAY = 1
CHUNKED = "__msgpack_chunked_array__"

#: Flax's names of parameters in PyTorch's words; a kernel is transposed as well.
NAMES = {"embedding": "weight", "kernel": "weight", "scale": "weight"}


def read_flax(file: Path) -> dict[str, Any]:
    """Read the parameters of a text encoder (BERT's and T5's layouts) as nested dictionaries.

    Tensors have PyTorch's names: ``weight`` for a kernel, embedding or scale, and the kernels of linear
    layers as (out, in). ValueError when the file holds anything but arrays.
    """
    import msgpack

    content = msgpack.unpackb(file.read_bytes(), ext_hook=_array, strict_map_key=False)
    if not isinstance(content, dict):
        raise ValueError("holds no parameters by name")
    return _renamed(content)


def _renamed(content: dict) -> dict[str, Any]:
    tensors: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            value = _joined(value) if CHUNKED in value else _renamed(value)
        elif not isinstance(value, Tensor):
            raise ValueError(f"{key}: expected an array, found {type(value).__name__}")
        name = NAMES.get(key, key) if isinstance(value, Tensor) else key
        if name in tensors:
            raise ValueError(f"{key}: {name} is there already")
        tensors[name] = value.T.contiguous() if key == "kernel" and value.ndim == 2 else value
    return tensors


def _array(code: int, data: bytes) -> Tensor:
    import msgpack

    if code != ARRAY:
        raise ValueError(f"expected arrays, found an extension of type {code}")
    shape, name, content = msgpack.unpackb(data)
    dtype = getattr(torch, name.decode() if isinstance(name, bytes) else name, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"no dtype {name!r}")
    if not math.prod(shape):
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(content), dtype=dtype).reshape(shape)


def _joined(content: dict) -> Tensor:
    """Join an array that was cut: its shape and its chunks are maps from "0", "1", … ."""
    shape, chunks = (
        [content[part][str(i)] for i in range(len(content[part]))] for part in ("shape", "chunks")
    )
    return torch.cat([chunk.flatten() for chunk in chunks]).reshape(shape)
