import numpy as np
import pytest
import torch
from settings import loss as settings_of
from torch.nn import functional as F

from cxrlt_core.designs.hooks import Drawn, Labels
from cxrlt_core.designs.mixup import Settings, draw_blend, loss, mix_images
from cxrlt_core.losses import build_loss, kinds, mean_loss
from cxrlt_core.losses.bce import bce
from cxrlt_core.training.objective import label_objective


def mixed_mean(plain, logits, targets, weights, drawn: Drawn) -> torch.Tensor:
    """The two-term loss of a batch whose partners are within it."""
    objective = loss(Settings(alpha=0.5), None)(label_objective(plain))
    return mean_loss(*objective(logits, Labels(targets, targets[drawn.partner], drawn.values), weights))


def test_partner_is_never_the_image_itself_and_draws_are_reproducible():
    for seed in range(50):
        for batch in (2, 3, 7):
            partner = draw_blend(batch, 0.2, np.random.default_rng(seed)).partner
            assert (partner != np.arange(batch)).all()
            assert sorted(partner) == list(range(batch))
    generator = np.random.default_rng(0)
    first, second = draw_blend(16, 0.2, generator), draw_blend(16, 0.2, generator)
    again = draw_blend(16, 0.2, np.random.default_rng(0))
    assert (first.partner == again.partner).all() and torch.equal(first.values["lam"], again.values["lam"])
    assert not torch.equal(first.values["lam"], second.values["lam"])
    with pytest.raises(ValueError, match="two images"):
        draw_blend(1, 0.2, np.random.default_rng(0))


def test_share_is_a_folded_beta():
    share = draw_blend(20_000, 0.4, np.random.default_rng(0)).values["lam"].numpy()
    beta = np.random.default_rng(1).beta(0.4, 0.4, size=20_000)
    assert share.dtype == np.float32 and share.min() >= 0.5 and share.max() <= 1
    quantiles = [0.1, 0.5, 0.9]
    expected = np.quantile(np.maximum(beta, 1 - beta), quantiles)
    np.testing.assert_allclose(np.quantile(share, quantiles), expected, atol=0.02)


def test_images_are_blended_by_their_own_share():
    images = torch.randn(5, 1, 4, 4)
    mixing = draw_blend(5, 0.5, np.random.default_rng(0))
    mixed = mix_images(images, images[mixing.partner], mixing.values)
    for i, (j, share) in enumerate(zip(mixing.partner, mixing.values["lam"], strict=True)):
        torch.testing.assert_close(mixed[i], share * images[i] + (1 - share) * images[j])


def test_equals_mixed_labels_where_all_are_known():
    torch.manual_seed(0)
    logits, targets = torch.randn(8, 3), torch.randint(0, 2, (8, 3), dtype=torch.int8)
    mixing = draw_blend(8, 0.5, np.random.default_rng(0))
    share = mixing.values["lam"][:, None]
    labels = share * targets + (1 - share) * targets[mixing.partner]
    weights = torch.tensor([1.0, 2.0, 3.0])
    expected = F.binary_cross_entropy_with_logits(
        logits, labels, weight=weights.expand(8, 3), reduction="sum"
    ) / (8 * weights.sum())
    torch.testing.assert_close(mixed_mean(bce, logits, targets, weights, mixing), expected)


def test_an_unknown_label_masks_only_its_own_term():
    logits = torch.tensor([[0.7], [-0.2]])
    targets = torch.tensor([[-1], [1]], dtype=torch.int8)
    mixing = Drawn({"lam": torch.tensor([0.75, 0.6])}, np.array([1, 0]))
    # image 0: its own term is masked, the partner's 0.25 stays; image 1: its own 0.6 stays.
    own = 0.25 * F.softplus(-logits[0, 0]) + 0.6 * F.softplus(-logits[1, 0])
    torch.testing.assert_close(mixed_mean(bce, logits, targets, torch.ones(1), mixing), own / 0.85)


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind != "two_way"])  # a loss of pairs
def test_every_loss_has_its_two_terms(kind):
    """λ·L(z, y_i) + (1−λ)·L(z, y_j), image by image, over the weights of both terms."""
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 3), torch.randint(-1, 2, (6, 3), dtype=torch.int8)
    mixing, weights = draw_blend(6, 0.5, np.random.default_rng(0)), torch.tensor([1.0, 2.0, 3.0])
    plain = build_loss(settings_of(kind), targets.numpy())
    total = weight_sum = 0.0
    for i, (j, share) in enumerate(zip(mixing.partner.tolist(), mixing.values["lam"], strict=True)):
        own, own_weight = plain(logits[[i]], targets[[i]], weights)
        other, other_weight = plain(logits[[i]], targets[[j]], weights)
        total += share * own + (1 - share) * other
        weight_sum += share * own_weight + (1 - share) * other_weight
    torch.testing.assert_close(mixed_mean(plain, logits, targets, weights, mixing), total / weight_sum)
