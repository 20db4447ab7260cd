"""Files of weights as plain tensors: safetensors, PyTorch's pickles without code, Flax's msgpack."""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from cxrlt_core.pretrained.flax import read_flax
from cxrlt_core.system.errors import StudyError, reason


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
            raise StudyError(f"{file.name}: has what another part has: {', '.join(repeated)}")
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


#: By a file's ending.
READERS: dict[str, Callable[[Path], Any]] = {
    ".safetensors": load_file,
    **dict.fromkeys((".bin", ".ckpt", ".pt", ".pth"), _read_pickle),
    ".msgpack": read_flax,
}
