"""Files of weights as plain tensors: safetensors, PyTorch's pickles without code, Flax's msgpack."""

import math
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from cxrlt_core.system.errors import StudyError, reason
from cxrlt_core.system.text import sentence

#: Of Flax's extensions of msgpack, that of an array; the key of an array of more than 1 GiB, in chunks.
ARRAY, CHUNKED = 1, "__msgpack_chunked_array__"

#: Flax's names of parameters in PyTorch's words; a kernel is transposed as well.
NAMES = {"embedding": "weight", "kernel": "weight", "scale": "weight"}


def read_tensor_files(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read the tensors of a file, or of the parts of one.

    Nested dictionaries, such as the ``state_dict`` of a training's checkpoint, join their keys by dots;
    what is no tensor is left out. StudyError when a file is absent or of another kind, holds anything but
    plain values, is torn, or repeats a name of another part.
    """
    tensors: dict[str, Tensor] = {}
    for file in files:
        if not file.is_file():
            raise StudyError(f"{file.name}: no such file")
        try:
            if file.suffix not in READERS:
                raise ValueError(f"expected a file that ends in {', '.join(READERS)}")
            part = dict(_flat(READERS[file.suffix](file)))
        except Exception as error:  # readers of foreign files raise many kinds
            raise StudyError(f"{file.name}: cannot be read as plain tensors: {reason(error)}") from None
        if repeated := sorted(tensors.keys() & part.keys()):
            raise StudyError(f"{file.name}: has what another part has: {sentence(repeated)}")
        tensors |= part
    return tensors


def _read_pickle(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # its message tells how to run the code
        raise ValueError("a pickle of something else") from None


def _flat(content: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield prefix.removesuffix("."), content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _flat(value, f"{prefix}{key}.")


def read_flax(file: Path) -> dict[str, Any]:
    """Read the parameters of a text encoder (BERT's and T5's layouts) as nested dictionaries, without Flax.

    The format is that of ``flax.serialization.to_bytes``: a map of maps whose leaves are arrays, an array
    being an extension of type 1 that packs shape, dtype and the bytes in C order. Tensors have PyTorch's
    names: ``weight`` for a kernel, embedding or scale, and the kernels of linear layers as (out, in).
    ValueError when the file holds anything but arrays.
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


#: By a file's ending.
READERS: dict[str, Callable[[Path], Any]] = {
    ".safetensors": load_file,
    **dict.fromkeys((".bin", ".ckpt", ".pt", ".pth"), _read_pickle),
    ".msgpack": read_flax,
}
