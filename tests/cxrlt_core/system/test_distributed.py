"""Two gloo processes against one."""

import numpy as np
import pytest
import torch
from processes import CPU, together
from settings import MIXUP, augment

from cxrlt_core.batches.images import PackedImages, PixelStats
from cxrlt_core.batches.transforms import draw_transforms
from cxrlt_core.prediction.inference import Scorer, predict
from cxrlt_core.system.distributed import Ranks, open_ranks
from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.checkpoint import Checkpoint


def numpy(tensors) -> list[np.ndarray]:
    return [tensor.detach().numpy().copy() for tensor in tensors]


def trained(make, plain, toy, folder, ranks, **changes):
    """Gradients of the last step, weights, history and position of a short run."""
    targets = toy[1].copy()
    targets[::3, 1:] = -1  # ranks see different numbers of known labels
    targets[:9] = -1
    run = make(
        model=plain(), targets=targets[:37], ranks=ranks, augment=augment(rotate=5), batch_size=13, **changes
    )
    folder = folder / f"{ranks.size}"
    history = run.run(Checkpoint(folder))
    return {
        "gradients": numpy(p.grad for p in run.state.model.parameters()),
        "weights": numpy(run.state.model.parameters()),
        "loss": [entry["loss"] for entry in history],
    }


@pytest.mark.parametrize("designs", [{}, MIXUP], ids=["plain", "mixup"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_have_the_gradients_of_one(designs, accumulate, training, plain, toy, tmp_path):
    """Also where batches cut unevenly: 13, 12 and 12 images in two or four parts."""
    changes = {"designs": designs, "accumulate": accumulate, "ema": 0.9}
    for length in ({"epochs": None, "steps": 1}, {"epochs": 2}):
        folder = tmp_path / str(len(length))
        run = lambda ranks, folder=folder, length=length: trained(  # noqa: E731
            training, plain, toy, folder, ranks, **changes, **length
        )
        alone, (first, second) = run(Ranks(CPU)), together(2, run)
        for key in alone:
            tolerance = 1e-5 if key == "weights" else 1e-6
            for a, b, c in zip(alone[key], first[key], second[key], strict=True):
                np.testing.assert_array_equal(b, c)
                np.testing.assert_allclose(b, a, atol=tolerance, rtol=2e-4)


@pytest.mark.parametrize(("n", "size"), [(23, 2), (24, 2), (1, 2), (23, 3), (2, 3)])
def test_prediction_loses_no_row_and_counts_none_twice(n, size, build, toy, monkeypatch):
    """A rank reads its share; without one, an image that it does not count."""
    images, reads = PackedImages({"s": toy[0]}, ["s"] * n, range(n)), []
    views = [None, draw_transforms(n, augment(rotate=20), np.random.default_rng(0))]

    def work(ranks):
        return predict(Scorer(build(), PixelStats(0.4, 0.3), "fp32"), images, CPU, 5, views, ranks)

    expected, gather_into = work(Ranks(CPU)), images.gather_into
    monkeypatch.setattr(images, "gather_into", lambda p, out: (reads.extend(p), gather_into(p, out)))
    for rank, (found, read) in enumerate(together(size, lambda ranks: (work(ranks), reads))):
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert read == (np.array_split(range(n), size)[rank].tolist() or [0])


def test_parameters_that_no_image_reaches_do_not_stop_the_ranks(training, plain, tmp_path):
    def work(ranks):
        model = plain()
        model.unused = torch.nn.Linear(2, 2)
        model.forward = lambda x: torch.nn.Sequential(*list(model.children())[:4])(x)
        run = training(model=model, ranks=ranks, epochs=1)
        run.run(Checkpoint(tmp_path))
        return run.state.step

    assert together(2, work) == [5, 5]


def test_collectives():
    def work(ranks):
        rows = torch.arange(7.0)[:, None][ranks.share(7)]
        total = ranks.sum(torch.tensor([1.0, ranks.rank]))
        return ranks.collect(rows, 7)[:, 0].tolist(), total.tolist(), ranks.highest(5 * ranks.rank)

    assert together(3, work) == [(list(range(7)), [3, 3], 10)] * 3


def test_rows_are_handed_round_in_order():
    """From rank i to rank j go i + j rows, or none."""
    count = lambda i, j: (i + j) % 4  # noqa: E731

    def work(ranks):
        sent, received = ([count(ranks.rank, other) for other in range(3)] for _ in range(2))
        rows = [torch.full((n, 1, 2, 2), 10 * ranks.rank + j, dtype=torch.uint8) for j, n in enumerate(sent)]
        room, exchange = ranks.exchange(torch.cat(rows), sent, received)
        exchange.wait()
        return room[:, 0, 1, 1].tolist()

    expected = [[10 * i + j for i in range(3) for _ in range(count(i, j))] for j in range(3)]
    assert together(3, work) == expected


def test_alone_nothing_happens_and_batch_statistics_are_not_shared_on_the_cpu(plain, build):
    with open_ranks(CPU) as ranks:
        assert ranks.is_main and ranks.share(5).tolist() == [0, 1, 2, 3, 4]
        model, rows = plain(), torch.ones(3)
        assert ranks.wrap(model, torch.zeros(1), True) is model
        assert ranks.sum(rows) is rows and ranks.collect(rows, 3) is rows and ranks.highest(2) == 2
    with pytest.raises(StudyError, match=r"^train.sync_batchnorm: needs GPUs"):
        Ranks(CPU, 0, 2).wrap(build(), torch.zeros(2, 1, 32, 32), True)
