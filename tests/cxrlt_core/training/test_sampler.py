from itertools import islice

import numpy as np
import pytest
import torch
from settings import MIXUP, augment

from cxrlt_core.designs import result
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.sampler import BatchSampler

NONE: dict = {}
CPU = torch.device("cpu")
AUGMENT = augment(rotate=5, brightness=0.1, gamma=0.2, erase=0.3)


def draws(n: int, start: int = 0, rank: int = 0, size: int = 1, designs=NONE):
    draw = result(designs, "draw", None)
    sampler = BatchSampler(23, 4, AUGMENT, None, draw, 0, Ranks(CPU, rank, size))
    return list(islice(sampler.batches(start), n))


def parts(draw) -> list[torch.Tensor]:
    transforms = draw.transforms
    return [transforms.geometry, transforms.tone, transforms.gamma, transforms.erased]


@pytest.mark.parametrize("designs", [{}, MIXUP])
@pytest.mark.parametrize("start", [1, 3, 4, 7, 9])
def test_draws_go_on_from_any_step(start, designs):
    rest = draws(12, designs=designs)[start:]
    for (rows, whole), (again, late) in zip(rest, draws(12 - start, start, designs=designs), strict=True):
        np.testing.assert_array_equal(rows, again)
        assert all(map(torch.equal, parts(whole), parts(late)))
        if designs:
            np.testing.assert_array_equal(whole.drawn.partner, late.drawn.partner)
            assert torch.equal(whole.drawn.values["lam"], late.drawn.values["lam"])


@pytest.mark.parametrize("designs", [{}, MIXUP])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_ranks_share_the_batch_of_a_single_process_and_know_what_the_others_are_shown(size, designs):
    ranks = [draws(8, rank=rank, size=size, designs=designs) for rank in range(size)]
    for (whole_rows, whole), *shares in zip(draws(8, designs=designs), *ranks, strict=True):
        for _, draw in shares:
            for shown, (other_rows, other) in zip(draw.shown_by, shares, strict=True):
                np.testing.assert_array_equal(shown, other.shown)
                np.testing.assert_array_equal(draw.batch[shown], other_rows)
        if designs:
            continue  # with partners rows overlap, see below
        np.testing.assert_array_equal(np.concatenate([rows for rows, _ in shares]), whole_rows)
        for name, part in enumerate(parts(whole)):
            assert torch.equal(torch.cat([parts(draw)[name] for _, draw in shares]), part)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_rank_sees_the_partners_of_its_own_images(size):
    for rank in range(size):
        for (rows, draw), (batch, whole) in zip(
            draws(8, rank=rank, size=size, designs=MIXUP), draws(8, designs=MIXUP), strict=True
        ):
            np.testing.assert_array_equal(draw.batch, batch)
            np.testing.assert_array_equal(rows[: len(draw.own)], batch[draw.own])
            expected = batch[whole.drawn.partner[draw.own]]
            np.testing.assert_array_equal(rows[draw.partners], expected)
            geometry = whole.transforms.geometry[whole.drawn.partner[draw.own]]
            assert torch.equal(draw.transforms.geometry[draw.partners], geometry)
            assert len(np.unique(rows)) == len(rows)
