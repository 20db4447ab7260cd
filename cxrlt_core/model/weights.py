"""Weights of a network out of a file: plain tensors, renamed to fit, and whole or an error."""

import pickle
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from timm.models import adapt_input_conv
from timm.models._input import get_model_traits
from torch import Tensor, nn

from cxrlt_core.model.layouts import LAYOUTS, MARKS
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.system.errors import StudyError

PICKLED = (".pth", ".pt", ".bin", ".ckpt")
#: Where a classifier lies: what a file has there, and the network has not, is left.
HEADS = ("aux_head.", "classif.", "classifier.", "fc.", "head.", "head_dist.", "heads.", "last_linear.")
#: What pools and normalises for a classifier: a file may lack it, as tokens are taken before.
AFTER_TOKENS = ("head.norm.", "head.pre_logits.")
#: Batches counted by batch normalisation, absent from old files; they enter no number.
COUNTERS = ".num_batches_tracked"
SHOWN = 3


def read_weights(path: Path, key: str) -> dict[str, Tensor]:
    """Read plain tensors by name; of nested mappings, such as ``{"state_dict": …}``, the names are joined.

    Args:
        path: a .safetensors file, or one that torch.save wrote.
        key: what names the file in params.yaml, for messages.

    Raises:
        StudyError: when it is absent, damaged or another kind of file, or holds anything but tensors,
            numbers and texts: no object is unpickled.
    """
    if not path.is_file():
        raise StudyError(f"{key}: {path}: no such file")
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        if path.suffix in PICKLED:
            return dict(_tensors(torch.load(path, map_location="cpu", weights_only=True)))
    except pickle.UnpicklingError:
        raise StudyError(f"{key}: {path}: holds other objects than plain tensors, or is damaged") from None
    except Exception as error:  # the libraries raise many kinds about a damaged file
        raise StudyError(f"{key}: {path}: cannot be read: {' '.join(str(error).split())}") from None
    raise StudyError(f"{key}: {path}: expected a file with ending .safetensors, {', '.join(PICKLED)}")


def _tensors(content: Any, place: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield place, content
    elif isinstance(content, Mapping):
        for name, part in content.items():
            yield from _tensors(part, f"{place}.{name}" if place else str(name))


def load_weights(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    encoder: ImageEncoder,
    timms_own: Callable | None,
    place: str,
) -> Collection[str]:
    """Load tensors of a file into a network for grey images, all that it needs or none.

    Weights of an RGB network are summed over its three channels. What belongs to a classifier is left.

    Args:
        network: of timm, without classifier.
        tensors: of the file, by their names there.
        encoder: how they are renamed.
        timms_own: timm's conversion of authors' layouts to this network, which resamples position
            embeddings to its size, too.
        place: key and file, for messages.

    Returns:
        The names of the tensors that were loaded.

    Raises:
        StudyError: when a tensor is missing, unexpected, of another shape, or not finite, or when two get
            the same name.
    """
    state = _converted(network, renamed_weights(tensors, encoder, place), timms_own)
    expected = network.state_dict()
    state = {n: tensor for n, tensor in state.items() if n in expected or not n.startswith(HEADS)}
    _sum_colours(network, state, expected)
    problems = [*_problems(state, expected)]
    if problems:
        advice = _advice(tensors, expected, encoder)
        raise StudyError(f"{place} does not fit {encoder.model!r}: {'; '.join([*problems, *advice])}")
    network.load_state_dict(state, strict=False)  # what it may lack was judged above
    return state.keys()


def renamed_weights(tensors: Mapping[str, Tensor], encoder: ImageEncoder, place: str) -> dict[str, Tensor]:
    """Take the tensors under ``prefix`` and drop it, apply ``rename`` in order, then convert ``layout``."""
    prefix, taken = encoder.prefix or "", {}
    for name, tensor in tensors.items():
        if name.startswith(prefix) and (new := _renamed(name.removeprefix(prefix), encoder.rename)):
            if new in taken:
                raise StudyError(f"{place}: rename gives {new!r} to {name!r} and to another tensor")
            taken[new] = tensor
    return LAYOUTS[encoder.layout](taken)


def _renamed(name: str, rules: Sequence[Sequence[str | None]]) -> str | None:
    for pattern, replacement in rules:
        if replacement is not None:
            name = re.sub(pattern, replacement, name)
        elif re.search(pattern, name):
            return None
    return name


def _converted(
    network: nn.Module, state: dict[str, Tensor], timms_own: Callable | None
) -> Mapping[str, Tensor]:
    """Apply timm's own conversion; where it breaks down, its input shows better what is wrong."""
    if timms_own is None:
        return state
    for arguments in ((dict(state), network), (dict(state),)):  # some take the tensors alone
        try:
            return timms_own(*arguments)
        except Exception:  # whatever a converter meets in tensors of another network
            continue
    return state


def _sum_colours(network: nn.Module, state: dict[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Make the first convolution one for grey images, as timm does."""
    first = get_model_traits(network).get("first_conv") or ()
    for name in (first,) if isinstance(first, str) else first:
        weight, wanted = state.get(f"{name}.weight"), expected.get(f"{name}.weight")
        if weight is None or wanted is None or weight.ndim != 4 or wanted.ndim != 4:
            continue
        if weight.shape[1] == 3 * wanted.shape[1]:
            state[f"{name}.weight"] = adapt_input_conv(1, weight)


def _problems(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Iterator[str]:
    """Name what keeps tensors from being those of a network."""
    needed = _needed(expected)
    missing = [name for name in needed if name not in state]
    both = [name for name in state if name in expected]
    shapes = [
        f"{name} {tuple(state[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in both
        if state[name].shape != expected[name].shape
    ]
    if missing:
        yield f"{len(missing)} of {len(needed)} tensors missing ({_some(missing)})"
    if others := [name for name in state if name not in expected]:
        yield f"{len(others)} unexpected ({_some(others)})"
    if shapes:
        yield f"{len(shapes)} of another shape ({_some(shapes)})"
    if bad := [name for name in both if not state[name].isfinite().all()]:
        yield f"{len(bad)} with NaN or infinity ({_some(bad)})"


def _advice(tensors: Collection[str], expected: Mapping[str, Tensor], encoder: ImageEncoder) -> Iterator[str]:
    """Say which layout or prefix would fit, if one obviously does."""
    for layout, mark in MARKS.items():
        if encoder.layout != layout and any(mark in name for name in tensors):
            yield f"it looks like layout: {layout}"
            return
    prefix = fitting_prefix(tensors, expected)
    if prefix is not None and prefix != (encoder.prefix or ""):
        yield f"prefix: {prefix or 'null'} would fit"


def fitting_prefix(names: Collection[str], expected: Collection[str]) -> str | None:
    """Find what stands before the names of nearly all tensors that a network needs; None if nothing does."""
    found: Counter[str] = Counter()
    for name in names:
        starts = [0, *(at + 1 for at, sign in enumerate(name) if sign == ".")]
        found.update(name[:start] for start in starts if name[start:] in expected)
    best = max(found, key=found.__getitem__, default=None)
    return best if best is not None and found[best] >= 0.9 * len(_needed(expected)) else None


def _needed(expected: Collection[str]) -> list[str]:
    return [n for n in expected if not n.startswith(AFTER_TOKENS) and not n.endswith(COUNTERS)]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
