import threading
from contextlib import closing

import numpy as np
import pytest
import torch

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.batches.streaming import AHEAD, StreamedImages

CPU = torch.device("cpu")


@pytest.fixture
def packed(tmp_path) -> PackedImages:
    generator = np.random.default_rng(0)
    for name, n in (("a", 30), ("b", 20)):
        np.save(tmp_path / f"{name}.npy", generator.integers(0, 256, size=(n, 8, 8)).astype(np.uint8))
    arrays = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("a", "b")}
    sources = generator.choice(["a", "b"], 60)
    return PackedImages(arrays, sources.tolist(), generator.integers(0, 20, 60))


def work(batches: int = 40) -> list[tuple[np.ndarray, int]]:
    generator = np.random.default_rng(1)
    return [(generator.integers(0, 60, size=generator.integers(1, 9)), i) for i in range(batches)]


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "images"]


def test_batches_come_whole_in_order_with_what_belongs_to_them(packed):
    places = {"packed": packed, "resident": packed.resident(CPU), "streamed": StreamedImages(packed, CPU)}
    for name, images in places.items():
        assert len(images) == 60 and images.size == 8
        seen = [(batch.clone(), item) for batch, item in images.batches(work())]
        assert [item for _, item in seen] == list(range(40)), name
        for (batch, _), (positions, _) in zip(seen, work(), strict=True):
            assert torch.equal(batch, packed.gather(positions)), name
    assert not readers()


def test_reads_ahead_but_not_far(packed):
    asked, enough = [], threading.Event()

    def endless():
        for position, item in work(100):
            asked.append(item)
            if len(asked) > AHEAD:
                enough.set()
            yield position, item

    with closing(StreamedImages(packed, CPU).batches(endless())) as batches:
        next(batches)
        assert enough.wait(2)
        assert len(asked) <= AHEAD + 2  # those in the ring, the one taken, and one that waits for a buffer
    assert not readers()


def test_a_batch_is_not_overwritten_while_it_is_used(packed):
    with closing(StreamedImages(packed, CPU).batches(work())) as batches:
        for (batch, _), (positions, _) in zip(batches, work(), strict=True):
            threading.Event().wait(0.002)  # let the thread run ahead
            assert torch.equal(batch, packed.gather(positions))


def test_an_error_of_the_work_or_of_reading_surfaces_as_it_is(packed):
    def broken():
        yield work()[0]
        raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        list(StreamedImages(packed, CPU).batches(broken()))
    with pytest.raises(IndexError, match="60"):
        list(StreamedImages(packed, CPU).batches([(np.array([60]), 0)]))
    assert not readers()  # nor behind an error of who reads
    with pytest.raises(KeyError), closing(StreamedImages(packed, CPU).batches(work())) as batches:
        for _ in batches:
            raise KeyError
    assert not readers()
