"""What computes here: hardware, kernels, versions and the revision of the code.

Kept beside what was computed, never in it: it identifies nothing, so another machine makes nothing due.
"""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who asks for versions alone does not wait for it
    import torch

#: What turns parameters and files into weights, embeddings and predictions.
PACKAGES = ("torch", "torchvision", "timm", "transformers", "numpy", "pillow")
LIBRARIES = {"oneDNN": r"MKL-DNN v(\S+)", "MKL": r"Math Kernel Library Version ([\d.]+)"}  # within PyTorch
#: Variables by which libraries take other kernels than those of the processor.
SWITCHES = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
CODE = ("--", "stages", "cxrlt_core", "dvc.yaml", "params.yaml")


def environment(device: "torch.device") -> dict[str, str]:
    """Describe what computes: a text for device, kernels, code, when (UTC), Python and each package."""
    from cxrlt_core.system.device import describe_device

    return {
        "device": describe_device(device),
        "kernels": kernels(device),
        "code": revision(),
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        **versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute."""
    return {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def kernels(device: "torch.device") -> str:
    """Name the instructions and libraries that multiply matrices, and variables that choose among them."""
    import torch
    from threadpoolctl import threadpool_info

    if device.type == "cuda":
        words = [f"CUDA {torch.version.cuda}", f"cuDNN {torch.backends.cudnn.version()}"]
    else:
        found = {name: re.search(pattern, torch.__config__.show()) for name, pattern in LIBRARIES.items()}
        words = [torch.backends.cpu.get_cpu_capability()]
        words += [f"{name} {match[1]}" for name, match in found.items() if match]
    blas = {
        (one["version"], one["architecture"])
        for one in threadpool_info()
        if one["internal_api"] == "openblas"
    }
    words += [f"OpenBLAS {number} {kind}" for number, kind in sorted(blas)]
    return ", ".join([*words, *(f"{name}={os.environ[name]}" for name in SWITCHES if name in os.environ)])


def revision() -> str:
    """Name the last commit that touched the code, and say whether the code has changed since."""
    commands = (["log", "-1", "--format=%h", *CODE], ["status", "--porcelain", *CODE])
    try:
        log, changed = (
            subprocess.run(["git", *c], capture_output=True, text=True, check=True).stdout.strip()
            for c in commands
        )
    except (OSError, subprocess.CalledProcessError):
        return "not under git"
    return f"{log or 'never committed'}{', with uncommitted changes' if changed else ''}"
