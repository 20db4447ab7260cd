"""Weights are loaded whole or not at all, no layer is left as it was drawn; and where they come from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from cxrlt_core.pretrained.model_files import ModelFiles
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.text import sentence


@dataclass(frozen=True)
class Loaded:
    """What a network took from a file."""

    tensors: int  # how many were loaded
    parameters: int  # numbers in them that are trained
    share: float  # of the network's parameters; what it may lack is the rest
    left_out: Mapping[str, int]  # names that were meant to go, cut after the first dot, and how many of each


def load_strict(
    network: nn.Module, tensors: Mapping[str, Tensor], ignored: Sequence[str], may_lack: Sequence[str] = ()
) -> Loaded:
    """Load tensors into every name of a network's ``state_dict``; of those that share memory, one suffices.

    Names of the patterns ``ignored``, such as ``"cls.*"``, are left out; those of ``may_lack`` enter no
    number that is asked of the network. StudyError counts all that is missing, unexpected, misshapen or not
    finite, and names the first of each.
    """
    expected = network.state_dict()
    state = {name: tensors[name] for name in expected if name in tensors}
    surplus = sorted(tensors.keys() - state.keys())
    left_out = [name for name in surplus if matches(name, ignored)]
    tied = _by_memory(expected)
    missing = [name for names in tied if not state.keys() & names for name in names]
    faults = {
        "missing": [name for name in missing if not matches(name, may_lack)],
        "unexpected": [name for name in surplus if name not in left_out],
        "misshapen": [
            f"{name} {tuple(tensor.shape)} for {tuple(expected[name].shape)}"
            for name, tensor in state.items()
            if tensor.shape != expected[name].shape
        ],
        "not finite": [name for name, tensor in state.items() if not torch.isfinite(tensor).all()],
        "not the same": [
            " and ".join(present)
            for present in ([name for name in names if name in state] for names in tied)
            if any(not state[present[0]].equal(state[name]) for name in present[1:])
        ],
    }
    if any(faults.values()):
        texts = (f"{len(names)} {what}: {sentence(names)}" for what, names in faults.items() if names)
        raise StudyError("; ".join(texts))
    network.load_state_dict(state, strict=False)
    sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
    parameters = sum(size for name, size in sizes.items() if name not in missing)
    share = round(parameters / sum(sizes.values()), 4)
    left = Counter(name.split(".")[0] for name in left_out)
    return Loaded(len(state), parameters, share, dict(sorted(left.items())))


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is of one of the patterns, in which ``*`` stands for anything."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _by_memory(tensors: Mapping[str, Tensor]) -> list[list[str]]:
    """Return the names that share memory, such as those of tied layers, together."""
    names: dict[int, list[str]] = {}
    for name, tensor in tensors.items():
        names.setdefault(tensor.data_ptr(), []).append(name)
    return list(names.values())


def weights_origin(files: ModelFiles, prefix: str, loaded: Loaded) -> dict[str, Any]:
    """Return commit (null for local files), file, SHA-256, prefix taken from names, and what was loaded."""
    place = {"commit": files.commit, "file": files.name, "sha256": files.sha256()}
    return {**place, "prefix": prefix, **asdict(loaded)}


def origin_text(origin: Mapping[str, Any]) -> str:
    """Return an origin in words, on one line."""
    commit = f"commit {origin['commit']}, " if origin["commit"] else ""
    under = f" under `{origin['prefix']}`" if origin["prefix"] else ""
    left = ", ".join(f"{name} {count}" for name, count in origin["left_out"].items())
    return (
        f"{commit}{origin['file']} (SHA-256 {origin['sha256'][:12]}): {origin['tensors']} tensors{under}, "
        f"{origin['parameters']:,} parameters, {origin['share']:.1%} of the network"
        f"{f'; left out: {left}' if left else ''}"
    )
