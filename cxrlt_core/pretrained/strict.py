"""Weights are loaded whole or not at all: no layer is left as it was drawn."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from cxrlt_core.system.errors import StudyError


@dataclass(frozen=True)
class Loaded:
    """What a network took from a file.

    Attributes:
        tensors: how many were loaded.
        parameters: numbers in them that are trained.
        share: of the network's parameters; what it may lack is the rest.
        left_out: names that were meant to go, cut after the first dot, and how many of each.
    """

    tensors: int
    parameters: int
    share: float
    left_out: Mapping[str, int]


def load_strict(
    network: nn.Module, tensors: Mapping[str, Tensor], goes: Sequence[str], may_lack: Sequence[str] = ()
) -> Loaded:
    """Load tensors into a network.

    Args:
        network: gets every tensor of its ``state_dict``; of those that share memory, one suffices.
        tensors: by the network's names.
        goes: patterns of names that are meant to be left out, such as a head: ``"cls.*"``.
        may_lack: patterns of names that enter no number that is asked of the network.

    Raises:
        StudyError: naming every tensor that is missing, unexpected, misshapen or not finite.
    """
    expected = network.state_dict()
    found = {name: tensors[name] for name in expected if name in tensors}
    others = sorted(tensors.keys() - found.keys())
    left_out = [name for name in others if matches(name, goes)]
    missing = _missing(expected, found)
    faults = {
        "missing": [name for name in missing if not matches(name, may_lack)],
        "unexpected": [name for name in others if name not in left_out],
        **_faults(expected, found),
    }
    if any(faults.values()):
        texts = (f"{len(names)} {what}: {', '.join(names)}" for what, names in faults.items() if names)
        raise StudyError("; ".join(texts))
    network.load_state_dict(found, strict=False)
    sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
    parameters = sum(size for name, size in sizes.items() if name not in missing)
    share = round(parameters / sum(sizes.values()), 4)
    left = Counter(name.split(".")[0] for name in left_out)
    return Loaded(len(found), parameters, share, dict(sorted(left.items())))


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is of one of the patterns, in which ``*`` stands for anything."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _missing(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    groups = _by_memory(expected)
    return [name for names in groups if not any(one in found for one in names) for name in names]


def _faults(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> dict[str, list[str]]:
    present = [[name for name in names if name in found] for names in _by_memory(expected)]
    return {
        "misshapen": [
            f"{name} {tuple(value.shape)} for {tuple(expected[name].shape)}"
            for name, value in found.items()
            if value.shape != expected[name].shape
        ],
        "not finite": [name for name, value in found.items() if not torch.isfinite(value).all()],
        "not the same": [
            " and ".join(names)
            for names in present
            if any(not found[names[0]].equal(found[other]) for other in names[1:])
        ],
    }


def _by_memory(tensors: Mapping[str, Tensor]) -> list[list[str]]:
    """Return the names that share memory, such as those of tied layers, together."""
    names: dict[int, list[str]] = {}
    for name, tensor in tensors.items():
        names.setdefault(tensor.data_ptr(), []).append(name)
    return list(names.values())
