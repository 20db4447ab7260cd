"""Shared by the tests of the losses: one batch with unknown labels."""

import pytest
import torch


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(6, 4, generator=generator)
    targets = torch.randint(-1, 2, (6, 4), generator=generator, dtype=torch.int8)
    return logits.requires_grad_(), targets
