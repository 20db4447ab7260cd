"""Packed arrays and the demo's images: files that DVC does not keep, and that a stage may have made again."""

import subprocess
import sys
import time
from pathlib import Path

from cxrlt_core.params.schema import Image
from cxrlt_core.system.errors import SIGNALS, Stopped, StudyError
from cxrlt_core.system.processes import termination

LOOK = 0.1  # seconds


def array_path(image: Image, source: str) -> Path:
    """Return where the packed images of a source lie."""
    return Path(image.store) / f"{source}-{image.size}-{image.fit}.npy"


def run_again(stage: str, source: str) -> None:
    """Run another stage's command; not by an import, by which its code would count as the caller's.

    Raises:
        StudyError: when it fails; it has said why.
        Stopped: after SIGTERM or Ctrl-C, with which it ends; it has said what is saved.
    """
    command = [sys.executable, "-m", f"stages.{stage}", source]
    with termination() as asked, subprocess.Popen(command) as process:
        while process.poll() is None and not asked.code:
            time.sleep(LOOK)
        if asked.code == 143:  # a terminal sends Ctrl-C to both
            process.terminate()
        code = process.wait()
        if code in SIGNALS:
            raise Stopped(code)
    if code:
        raise StudyError(f"{stage}@{source} failed, for the reason above")
