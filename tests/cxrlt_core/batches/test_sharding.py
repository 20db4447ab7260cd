import time
from contextlib import closing
from itertools import islice

import numpy as np
import pytest
import torch
from processes import CPU, together
from settings import MIXUP, augment

from cxrlt_core.batches import sharding
from cxrlt_core.batches.images import PackedImages, ResidentImages
from cxrlt_core.batches.sharding import ShardedImages, place_images
from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.designs import result
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.sampler import BatchSampler

NONE: dict = {}
MIXUPS = pytest.mark.parametrize("designs", [{}, MIXUP], ids=["plain", "mixup"])


def packed(n: int) -> PackedImages:
    """Images of two sources, in no order."""
    generator = np.random.default_rng(n)
    arrays = {name: generator.integers(0, 256, size=(n, 4, 4), dtype=np.uint8) for name in ("a", "b")}
    return PackedImages(arrays, generator.choice(["a", "b"], n).tolist(), generator.integers(0, n, n))


def sampler(n: int, ranks: Ranks, designs=NONE) -> BatchSampler:
    return BatchSampler(n, 3, augment(), None, result(designs, "draw", None), 0, ranks)


@MIXUPS
@pytest.mark.parametrize("start", [0, 1, 5])
@pytest.mark.parametrize(("n", "size"), [(29, 2), (30, 2), (29, 3), (7, 3)])
def test_batches_are_those_read_from_disk(n, size, start, designs):
    """Each rank's, from any step of the run, also across the end of an epoch."""
    images = packed(n)

    def work(ranks):
        sharded, draws = ShardedImages(images, ranks), sampler(n, ranks, designs)
        assert len(sharded) == n and sharded.size == 4
        seen = 0
        with closing(sharded.batches(draws.batches(start))) as batches:
            for (batch, draw), (positions, other) in zip(
                islice(batches, 7), draws.batches(start), strict=False
            ):
                assert torch.equal(batch, images.gather(positions))
                np.testing.assert_array_equal(draw.shown, other.shown)
                seen += 1
        return seen

    assert together(size, work) == [7] * size


@pytest.mark.parametrize("n", [29, 2])
def test_a_rank_holds_its_share_alone(n):
    images = packed(n)

    def work(ranks):
        held = ShardedImages(images, ranks).shard
        return len(held), held.gather(np.arange(len(held))).numpy()

    found = together(3, work)
    assert [held for held, _ in found] == ([10, 10, 9] if n == 29 else [1, 1, 0])
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in found]), images.gather(np.arange(n)))


def test_a_finite_plan_ends():
    images = packed(9)

    def work(ranks):
        sharded, draws = ShardedImages(images, ranks), list(islice(sampler(9, ranks).batches(0), 4))
        return [len(list(sharded.batches(draws[:k]))) for k in (0, 1, 4)]

    assert together(2, work) == [[0, 1, 4]] * 2


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_closing_early_leaves_none_waiting_and_the_next_collectives_right(steps):
    """With an exchange under way, and one rank far behind the other."""
    images = packed(20)

    def work(ranks):
        sharded, found = ShardedImages(images, ranks), []
        for _ in range(3):
            with closing(sharded.batches(sampler(20, ranks).batches(0))) as batches:
                for _ in range(steps):
                    next(batches)
                time.sleep(0.05 * ranks.rank)
            found.append(ranks.highest(ranks.rank + 7))
        return found

    assert together(2, work) == [[8, 8, 8]] * 2


def trained(make, plain, ranks, folder, **changes):
    run = make(model=plain(), ranks=ranks, **changes)
    history = run.run(Checkpoint(folder))
    return [p.detach().numpy().copy() for p in run.state.model.parameters()], history


@MIXUPS
@pytest.mark.parametrize("length", [{"epochs": 2}, {"epochs": None, "steps": 7}], ids=["epochs", "steps"])
def test_training_gives_the_bits_of_streamed_images(length, designs, training, plain, toy, tmp_path):
    images = PackedImages({"s": toy[0]}, ["s"] * 37, range(37))

    def work(ranks, policy):
        placed = place_images(images, policy, ranks)
        assert type(placed) is {"always": ShardedImages, "never": StreamedImages}[policy]
        return trained(training, plain, ranks, tmp_path / policy, images=placed, designs=designs, **length)

    ranks = (together(2, lambda ranks, p=policy: work(ranks, p)) for policy in ("always", "never"))
    for sharded, streamed in zip(*ranks, strict=True):
        assert sharded[1] == streamed[1]
        assert all(np.array_equal(a, b) for a, b in zip(sharded[0], streamed[0], strict=True))


def test_an_error_on_one_rank_shows_there(training, plain, toy, tmp_path):
    """It is not hidden by the exchange under way, nor kept waiting by it."""
    images = PackedImages({"s": toy[0]}, ["s"] * 37, range(37))

    def work(ranks):
        run = training(model=plain(), ranks=ranks, images=ShardedImages(images, ranks))
        step = run.step
        run.step = lambda number, *batch: 1 / 0 if number == 3 and ranks.is_main else step(number, *batch)
        try:
            run.run(Checkpoint(tmp_path))
        except (ZeroDivisionError, RuntimeError) as error:
            return type(error)

    assert together(2, work) == [ZeroDivisionError, RuntimeError]


NEEDED = 60 * 16  # bytes


def test_resident_where_half_of_the_free_memory_holds_the_set_or_a_gpu_the_largest_share(monkeypatch):
    limits = {("auto", 2 * NEEDED): True, ("auto", 2 * NEEDED - 2): False, ("always", 0): True}
    for (policy, free), resident in (limits | {("never", 1 << 40): False}).items():
        monkeypatch.setattr(sharding, "free_memory", lambda device, free=free: free)
        placed = place_images(packed(60), policy, Ranks(CPU))
        assert isinstance(placed, ResidentImages if resident else StreamedImages), (policy, free)
    images = packed(11)
    assert sharding._needed(images, Ranks(torch.device("cuda"), 1, 3)) == 4 * 16
    assert sharding._needed(images, Ranks(CPU, 1, 3)) == 11 * 16


@pytest.mark.parametrize("short", [0, 1, None])
def test_the_ranks_agree_where_one_has_too_little_memory(short, monkeypatch):
    """On the CPU all shares lie in one memory."""

    def work(ranks):
        monkeypatch.setattr(sharding, "free_memory", lambda device: 2 * NEEDED - 2 * (ranks.rank == short))
        return type(place_images(packed(60), "auto", ranks))

    assert together(2, work) == [ShardedImages if short is None else StreamedImages] * 2
