"""Packed arrays and the demo's images: files that DVC does not keep, and that a stage may have made again."""

import subprocess
import sys
from pathlib import Path

from cxrlt_core.params.schema import Image
from cxrlt_core.system.errors import StudyError


def array_path(image: Image, source: str) -> Path:
    """Return where the packed images of a source lie."""
    return Path(image.store) / f"{source}-{image.size}-{image.fit}.npy"


def run_again(stage: str, source: str) -> None:
    """Run another stage's command; not by an import, by which its code would count as the caller's.

    Raises:
        StudyError: when it fails; it has said why.
    """
    if subprocess.run([sys.executable, "-m", f"stages.{stage}", source]).returncode:
        raise StudyError(f"{stage}@{source} failed, for the reason above")
