"""The machine on which a figure was measured."""

import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

from cxrlt_core.system.device import processor


def describe_machine(*packages: str) -> str:
    """Return processor, cores, versions and date as one line of markdown."""
    names = ("numpy", "pandas", "pyarrow", *packages)
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    cores = len(os.sched_getaffinity(0))
    return f"{processor()}, {cores} cores; Python {platform.python_version()}, {versions}; {date.today()}"


def peak_memory() -> int:
    """Return the largest resident size of this process so far, in MiB."""
    return int(_field(Path("/proc/self/status"), "VmHWM").split()[0]) // 1024


def _field(path: Path, name: str) -> str:
    lines = path.read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
