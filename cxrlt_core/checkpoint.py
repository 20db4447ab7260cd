"""Resuming: the state after the last finished epoch, kept under a key of what defines the run."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from cxrlt_core.files import atomic


class Checkpoint:
    """A file that holds the state of one training run."""

    def __init__(self, folder: Path, **definition: Any) -> None:
        """Name the file by all that defines the run: what is defined otherwise is another run."""
        text = json.dumps(definition, sort_keys=True, default=str)
        self.path = Path(folder) / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Write tensors and plain values."""
        with atomic(self.path) as temporary:
            torch.save(state, temporary)

    def load(self) -> dict[str, Any] | None:
        """Read the state; None when there is none, or when it cannot be read: then training starts anew."""
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            print(f"{self.path}: unreadable checkpoint set aside: {reason}")
            self.path.rename(self.path.with_suffix(".bad"))
            return None

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)
