"""What every loss keeps to, whatever its formula."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS
from settings import loss as settings_of

from cxrlt_core.losses import build_loss, find_kind, kinds, mean_loss
from cxrlt_core.losses.asl import asl
from cxrlt_core.losses.bce import bce
from cxrlt_core.losses.class_balanced import BalancedBce, balance
from cxrlt_core.losses.focal import focal
from cxrlt_core.system.errors import StudyError

ROOT = Path(__file__).parents[3]
TRAINING_SET = (np.arange(200)[:, None] < np.array([150, 40, 5, 0])).astype(np.int8)
SETTINGS = [
    *(settings_of(kind) for kind in kinds()),
    settings_of("focal", gamma=0.5, alpha=0.25),
    settings_of("asl", gamma_pos=0.5, gamma_neg=0.5, clip=0.0),
]
PAIRS = {"two_way"}  # losses that are no sum over labels
every_loss = pytest.mark.parametrize("settings", SETTINGS, ids=str)
every_sum = pytest.mark.parametrize("settings", [s for s in SETTINGS if s.kind not in PAIRS], ids=str)


def gradient(loss, logits, *rest):
    return torch.autograd.grad(loss(logits, *rest)[0], logits)[0]


@every_loss
def test_unknown_labels_bring_neither_loss_nor_weight_nor_gradient(settings, batch):
    loss, (logits, targets) = build_loss(settings, TRAINING_SET), batch
    unknown = targets == -1
    sums = torch.stack(loss(logits, targets, CLASS_WEIGHTS))
    moved = torch.where(unknown, logits + 5, logits)
    assert torch.equal(torch.stack(loss(moved, targets, CLASS_WEIGHTS)), sums)
    assert (torch.stack(loss(logits, targets.abs(), CLASS_WEIGHTS)) > sums).all()
    slope = gradient(loss, logits, targets, CLASS_WEIGHTS)
    assert (slope[unknown] == 0).all() and (slope[targets == 1] != 0).all()
    empty = mean_loss(*loss(logits, torch.full_like(targets, -1), CLASS_WEIGHTS))
    empty.backward()
    assert empty.item() == 0 and (logits.grad == 0).all()


@every_sum
def test_class_and_image_weights_scale_the_gradient_and_both_sums(settings, batch):
    loss, (logits, targets) = build_loss(settings, TRAINING_SET), batch
    plain = gradient(loss, logits, targets, torch.ones(4))
    weighted = gradient(loss, logits, targets, CLASS_WEIGHTS, IMAGE_WEIGHTS)
    torch.testing.assert_close(weighted, plain * CLASS_WEIGHTS * IMAGE_WEIGHTS[:, None])
    single = [loss(*batch, weights) for weights in torch.diag(CLASS_WEIGHTS)]
    torch.testing.assert_close(loss(*batch, CLASS_WEIGHTS), tuple(map(sum, zip(*single, strict=True))))
    twice = loss(*batch, CLASS_WEIGHTS, torch.full((6,), 2.0))
    torch.testing.assert_close(twice, tuple(2 * part for part in loss(*batch, CLASS_WEIGHTS)))


@every_loss
def test_extreme_logits_stay_finite(settings):
    sizes = torch.tensor([0.0, 17.0, 60.0, 90.0, 104.0, 1e4, 1e30])
    logits = torch.cat([sizes, -sizes])[:, None].expand(-1, 4).clone().requires_grad_()
    loss = build_loss(settings, TRAINING_SET)
    for label in (0, 1, -1):
        targets = torch.full(logits.shape, label, dtype=torch.int8)
        losses, _ = loss(logits, targets, torch.ones(4))
        assert losses.isfinite() and losses >= 0
        assert gradient(loss, logits, targets, torch.ones(4)).isfinite().all()


@every_loss
def test_nothing_waits_for_a_value_on_the_device(settings, batch):
    """The meta device has shapes and no values: reading one, or picking by a mask, would raise."""
    logits, targets, weights = (part.detach().to("meta") for part in (*batch, CLASS_WEIGHTS))
    losses, total = build_loss(settings, TRAINING_SET)(logits, targets, weights)
    assert losses.shape == total.shape == () and losses.device.type == "meta"


def test_kinds_are_the_modules_that_build_a_loss_and_are_read_without_torch():
    """Every stage reads them, also those that need no tensor."""
    assert {"asl", "bce", "class_balanced", "focal"} <= set(kinds())
    with pytest.raises(StudyError, match=r"^unknown kind 'base', expected asl, bce, "):
        find_kind("base")
    code = "import sys; from cxrlt_core.losses import find_kind, kinds; [find_kind(k) for k in kinds()]"
    command = [sys.executable, "-c", f"{code}; print('torch' in sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n", done.stderr


def test_settings_reach_their_loss(batch):
    focus = {"gamma_pos": 1.0, "gamma_neg": 3.0, "clip": 0.1}
    balanced = BalancedBce(balance(TRAINING_SET, 0.9))
    pairs = [
        (settings_of("bce"), bce(*batch, CLASS_WEIGHTS)),
        (settings_of("focal", gamma=3.0, alpha=0.3), focal(*batch, CLASS_WEIGHTS, gamma=3.0, alpha=0.3)),
        (settings_of("asl", **focus), asl(settings_of("asl", **focus), *batch, CLASS_WEIGHTS)),
        (settings_of("class_balanced", beta=0.9), balanced(*batch, CLASS_WEIGHTS)),
    ]
    for settings, expected in pairs:
        assert build_loss(settings, TRAINING_SET)(*batch, CLASS_WEIGHTS) == expected
