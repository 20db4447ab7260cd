"""The device, its threads and its number format."""

import os
import resource
from contextlib import AbstractContextManager

import torch

from cxrlt_core.errors import StudyError


def open_device(name: str, threads: int) -> torch.device:
    """Choose the device and make its results repeatable.

    Sums of floats depend on their order: the thread count and the kernels are pinned, so the same
    parameters give the same bits on the same machine.

    Args:
        name: ``auto`` takes a GPU if there is one; else PyTorch's name of a device.
        threads: on the CPU.

    Raises:
        StudyError: when there is no such device.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Deterministic mode also fills fresh memory, a debugging aid that costs a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise StudyError(f"compute.device: {name!r} cannot be used: {reason}") from None
    return device


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """Run the network in bfloat16 or float32.

    Args:
        device: where the network runs.
        precision: ``bf16``, ``fp32`` or ``auto``: bf16 where the hardware multiplies it natively.
    """
    enabled = precision == "bf16" or (precision == "auto" and _native_bf16(device))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def _native_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def describe_device(device: torch.device) -> str:
    """Name the hardware, for the report."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def peak_memory(device: torch.device) -> int:
    """Peak memory of the process (of the GPU, where one is used), in MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
