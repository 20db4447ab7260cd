import numpy as np
import torch
from torch.nn import functional as F

from cxrlt_core.designs import conflicts, ordered
from cxrlt_core.designs.balanced_mixup import Settings, draw, inputs, loss, order
from cxrlt_core.designs.hooks import Context, Labels
from cxrlt_core.losses.bce import bce
from cxrlt_core.training.objective import label_objective

SETTINGS = Settings(alpha=0.3)


def targets() -> np.ndarray:
    """403 images; one in a hundred has the second class, all others the first."""
    rare = np.arange(403) % 100 == 0
    return np.stack([~rare, rare], axis=1).astype(np.int8)


def test_half_of_a_batch_comes_as_it_is_and_half_class_by_class():
    labels, context = targets(), Context(targets(), ["a", "b"], 90, 45, None)
    epoch = order(SETTINGS, context)(np.random.default_rng(0))
    batches = np.array_split(epoch, 45)
    plain = np.concatenate([batch[: (len(batch) + 1) // 2] for batch in batches])
    balanced = np.concatenate([batch[(len(batch) + 1) // 2 :] for batch in batches])
    assert len(set(plain)) == len(plain) and labels[plain, 1].mean() < 0.03
    assert abs(labels[balanced].mean(0) - 0.5).max() < 0.01


def test_every_image_is_blended_with_one_of_the_other_half_by_a_share_of_its_own():
    generator, shares = np.random.default_rng(0), []
    for size in (2, 3, 8, 9):
        first = (size + 1) // 2
        for _ in range(400):
            drawn = draw(SETTINGS, None)(np.arange(size), generator)
            assert (drawn.partner[:first] >= first).all() and (drawn.partner[first:] < first).all()
            assert len(set(drawn.partner[first:])) == size - first and drawn.partner.max() < size
            lam = drawn.values["lam"].numpy()
            shares += [*(1 - lam[:first]), *lam[first:]]  # of the image drawn by class: Beta(α, 1)
    assert abs(np.mean(shares) - 0.3 / 1.3) < 0.01
    np.testing.assert_allclose(np.mean(np.array(shares) < 0.5), 0.5**0.3, atol=0.02)  # its distribution: x^α


def test_images_and_losses_are_blended_and_an_unknown_label_stays_unknown():
    torch.manual_seed(0)
    drawn = draw(SETTINGS, None)(np.arange(6), np.random.default_rng(1))
    images, labels = torch.randn(6, 1, 2, 2), torch.randint(-1, 2, (6, 3), dtype=torch.int8)
    mixed = inputs(SETTINGS, None)(images, images[drawn.partner], drawn.values)
    logits, weights = torch.randn(6, 3), torch.tensor([1.0, 2.0, 3.0])
    objective = loss(SETTINGS, None)(label_objective(bce))
    sums = objective(logits, Labels(labels, labels[drawn.partner], drawn.values), weights)
    total = known = 0.0
    for i, j in enumerate(drawn.partner):
        own = drawn.values["lam"][i]
        torch.testing.assert_close(mixed[i], own * images[i] + (1 - own) * images[j])
        for share, label in ((own, labels[i]), (1 - own, labels[j])):
            for c in (label >= 0).nonzero()[:, 0]:
                cost = F.binary_cross_entropy_with_logits(logits[i, c], label[c].float())
                total, known = total + share * weights[c] * cost, known + share * weights[c]
    torch.testing.assert_close(sums, (total, known))


def test_it_takes_the_place_of_mixup_and_of_other_orders_and_weighs_what_r_drop_adds():
    assert [*conflicts(["balanced_mixup", "mixup"])] and [*conflicts(["balanced_mixup", "class_aware"])]
    assert ordered(["balanced_mixup", "r_drop"]) == ["r_drop", "balanced_mixup"]
