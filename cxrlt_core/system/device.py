"""The device, its threads and its number format."""

import os
import platform
import resource
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import torch
from torch import Tensor, nn

from cxrlt_core.system.errors import StudyError

CPU_ALLOCATOR = "DefaultCPUAllocator: "  # PyTorch names it where the machine's memory is used up


def open_device(name: str, threads: int, key: str = "compute.device") -> torch.device:
    """Choose the device and make its results repeatable.

    Sums of floats depend on their order: the thread count and the kernels are pinned, so the same
    parameters give the same bits on the same machine. ``auto`` takes a GPU if there is one; of several
    processes each takes the GPU of its number. Messages name ``key``. StudyError when there is no such
    device, or one GPU is named for several processes.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # use_deterministic_algorithms does the same, but loads the compiler to tell it too; compiled() does so.
    torch.set_deterministic_debug_mode("warn")
    # Deterministic mode also fills fresh memory, a debugging aid that costs a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes > 1 and name.startswith("cuda:"):
        raise StudyError(f"{key}: {name!r} is one GPU for {processes} processes; expected cuda or auto")
    try:
        device = torch.device(name)
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise StudyError(f"{key}: {name!r} cannot be used: {reason}") from None
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """Run the network in ``bf16``, ``fp32`` or, by ``auto``, bf16 where hardware multiplies it natively."""
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
    threads = torch.get_num_threads()
    return f"{processor()}, {threads} thread{'' if threads == 1 else 's'}"


def processor() -> str:
    """Name the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def peak_memory(device: torch.device) -> int:
    """Peak memory of the process (of the GPU, where one is used), in MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def free_memory(device: torch.device) -> int:
    """Memory that a process may still take: of the GPU, or of the machine; in bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a small tensor from the CPU to the device without waiting for the work queued there."""
    if device.type == "cuda" and not tensor.is_cuda:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@contextmanager
def explain_out_of_memory(advice: str) -> Iterator[None]:
    """Turn a lack of memory into a :class:`StudyError` that says which parameters to change."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error) or "out of memory"
        if not isinstance(error, (torch.OutOfMemoryError, MemoryError)) and CPU_ALLOCATOR not in text:
            raise
        reason = text.rpartition(CPU_ALLOCATOR)[2].split(". ")[0].splitlines()[0]
        raise StudyError(f"{reason}; {advice}") from None


def compiled(network: nn.Module, device: torch.device) -> nn.Module:
    """Compile a network, or say in one line why it stays as it is: no compiler on this machine."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    probe = torch.ones(8, device=device, requires_grad=True)
    try:
        torch.compile(lambda x: (x * x.sigmoid()).sum())(probe).backward()
    except Exception as error:  # of many kinds, by compiler and device
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        print(f"train.compile: left out, torch.compile does not work here: {reason}")
        return network
    return torch.compile(network)
