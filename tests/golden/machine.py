"""What decides the last bits of a number: the processor, the kernels chosen for it, and versions."""

import os
import platform
from pathlib import Path

import numpy as np
import scipy
import torch
from threadpoolctl import threadpool_info

PATH = Path(__file__).with_name("values.json")
#: Variables by which a user makes a library take other kernels.
SWITCHES = ("MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
PROCESSOR = ("vendor_id", "cpu family", "model")


def machine() -> dict[str, str]:
    """The kind of machine: where two are equal, so is every bit."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    blas = sorted(one["architecture"] for one in threadpool_info() if one["internal_api"] == "openblas")
    return {
        "system": f"{platform.system()} {platform.machine()} {' '.join(platform.libc_ver())}",
        "processor": processor(),
        "torch": f"{torch.__version__.partition('+')[0]} {torch.backends.cpu.get_cpu_capability()}",
        "numpy": f"{np.__version__} {' '.join(simd.get('found', []))}",
        "scipy": f"{scipy.__version__}",
        "OpenBLAS": " ".join(blas),
        "switches": " ".join(f"{name}={os.environ[name]}" for name in SWITCHES if name in os.environ),
    }


def processor() -> str:
    """Vendor, family and model, by which MKL and oneDNN choose."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    pairs = (line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
    first: dict[str, str] = {}
    for key, value in pairs:
        first.setdefault(key.strip(), value.strip())
    return " ".join(first.get(key, "?") for key in PROCESSOR)
