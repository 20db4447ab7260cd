"""Images that do not fit into device memory: a thread reads them ahead of the step.

The thread gathers memory-mapped rows into a small ring of buffers and copies them to a GPU on a separate
stream, so that neither the processor nor the GPU waits for the other.
"""

from collections.abc import Generator, Iterable
from contextlib import nullcontext
from queue import SimpleQueue
from threading import Event, Thread

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.batches.images import Item, PackedImages

AHEAD = 3  # batches


class StreamedImages:
    """A set that is read from disk batch by batch, in the order asked for."""

    def __init__(self, images: PackedImages, device: torch.device) -> None:
        self._images, self._device = images, device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __len__(self) -> int:
        return len(self._images)

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self._images.size

    def batches(self, work: Iterable[tuple[np.ndarray, Item]]) -> Generator[tuple[Tensor, Item]]:
        """Yield batches on the device, or raise the thread's error; see :class:`Images`."""
        free, ready, stop = SimpleQueue(), SimpleQueue(), Event()
        for _ in range(AHEAD):
            free.put(_Buffer(self._stream))
        thread = Thread(target=self._read, args=(work, free, ready, stop), name="images", daemon=True)
        thread.start()
        try:
            while (batch := ready.get()) is not None:
                if isinstance(batch, BaseException):
                    raise batch
                buffer, images, item = batch
                yield buffer.received(images), item
                free.put(buffer)
        finally:
            stop.set()
            free.put(None)
            thread.join()

    def _read(
        self, work: Iterable[tuple[np.ndarray, Item]], free: SimpleQueue, ready: SimpleQueue, stop: Event
    ) -> None:
        try:
            for positions, item in work:
                buffer = free.get()
                if stop.is_set():
                    return
                rows = buffer.rows(len(positions), self._images.size)
                self._images.gather_into(positions, rows.numpy())
                ready.put((buffer, buffer.sent(rows, self._device), item))
            ready.put(None)
        except BaseException as error:
            ready.put(error)


class _Buffer:
    """Memory for a batch on the CPU; pinned if a GPU copies from it."""

    def __init__(self, stream: torch.cuda.Stream | None) -> None:
        self._stream, self._memory = stream, torch.empty(0, dtype=torch.uint8)
        self._copied = None if stream is None else torch.cuda.Event()

    def rows(self, n: int, size: int) -> Tensor:
        """Uint8 (n, 1, size, size) to be filled, after the last copy from it has finished."""
        if self._copied is not None:
            self._copied.synchronize()
        needed = n * size * size
        if len(self._memory) < needed:
            self._memory = torch.empty(needed, dtype=torch.uint8, pin_memory=self._stream is not None)
        return self._memory[:needed].view(n, 1, size, size)

    def sent(self, rows: Tensor, device: torch.device) -> Tensor:
        """Begin the copy to the device."""
        with nullcontext() if self._stream is None else torch.cuda.stream(self._stream):
            images = rows.to(device, non_blocking=True)
            if self._copied is not None:
                self._copied.record(self._stream)
        return images

    def received(self, images: Tensor) -> Tensor:
        """Make later work on the device wait for the copy, without waiting here."""
        if self._copied is not None:
            current = torch.cuda.current_stream(images.device)
            current.wait_event(self._copied)
            images.record_stream(current)
        return images
