"""Design 3, separate classifier: a last linear layer of its own for each class, or one for all."""

import torch
from torch import Tensor, nn


class SharedClassifier(nn.Module):
    """One linear layer scores the feature vector of every class."""

    def __init__(self, width: int, prior_logits: Tensor) -> None:
        """Start at the mean of the prior logits (C,)."""
        super().__init__()
        self.linear = nn.Linear(width, 1)
        nn.init.constant_(self.linear.bias, float(prior_logits.mean()))

    def forward(self, features: Tensor) -> Tensor:
        """Score label features (B, C, d) as logits (B, C)."""
        return self.linear(features)[..., 0]


class SeparateClassifier(nn.Module):
    """Class c scores its feature vector with its own weights and bias."""

    def __init__(self, width: int, prior_logits: Tensor) -> None:
        """Start at the prior logit of each class (C,)."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(len(prior_logits), width))
        self.bias = nn.Parameter(prior_logits.clone())
        nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)  # as nn.Linear(width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Score label features (B, C, d) as logits (B, C)."""
        return torch.einsum("bcd,cd->bc", features, self.weight) + self.bias


def build_classifier(separate: bool, width: int, prior_logits: Tensor) -> nn.Module:
    """Build the classifier of a variant.

    Args:
        separate: class-wise layers rather than a shared one.
        width: of the label features.
        prior_logits: logit of each class's training prevalence, float32 (C,): where an untrained
            model should start.
    """
    return (SeparateClassifier if separate else SharedClassifier)(width, prior_logits)
