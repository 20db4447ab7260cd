"""Resuming: the state of a run, kept under a key of what defines the run."""

import hashlib
import io
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from cxrlt_core.system.atomic import atomic, remove_drafts

DIGEST_BYTES = 32


class Checkpoint:
    """A file that holds the state of one training run, behind a digest of the state and the run."""

    def __init__(self, folder: Path, **definition: Any) -> None:
        """Name the file by all that defines the run: what is defined otherwise is another run."""
        text = json.dumps(definition, sort_keys=True, default=str)
        self._key = hashlib.sha256(text.encode()).digest()
        self.path = Path(folder) / f"{self._key.hex()[:24]}.pt"
        self._saved = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the state was last saved or loaded."""
        return time.monotonic() - self._saved

    def save(self, state: dict[str, Any]) -> None:
        """Write tensors and plain values; a reader finds the old file or the new one, whole."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getbuffer()
        with atomic(self.path) as temporary, temporary.open("wb") as file:
            file.write(self._digest(content))
            file.write(content)
        self._saved = time.monotonic()

    def load(self, check: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any] | None:
        """Read the state.

        Args:
            check: raises ValueError for a state that does not fit.

        Returns:
            None when there is no file, or when it is damaged, of another run or does not fit: then a
            line says so, and training starts anew.
        """
        self._saved = time.monotonic()
        remove_drafts(self.path.parent, self.path.name)
        try:
            return self._read(check)
        except FileNotFoundError:
            return None
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            print(f"{self.path}: unusable checkpoint set aside: {reason}")
            with suppress(FileNotFoundError):
                self.path.rename(self.path.with_suffix(".bad"))
            return None

    def _read(self, check: Callable[[dict[str, Any]], None] | None) -> dict[str, Any]:
        with self.path.open("rb") as file:
            digest, content = file.read(DIGEST_BYTES), file.read()
        if digest != self._digest(content):
            raise ValueError("damaged, or of another run")
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if check is not None:
            check(state)
        return state

    def _digest(self, content: bytes | memoryview) -> bytes:
        return hashlib.sha256(self._key + hashlib.sha256(content).digest()).digest()
