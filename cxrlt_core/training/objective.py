"""What a training minimises: the class-weighted loss of its labels, as its designs change it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.designs.hooks import ClassWeights, Forward, Labels, Objective
from cxrlt_core.labels import UNKNOWN
from cxrlt_core.losses import Loss
from cxrlt_core.system.device import upload
from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.sampler import BatchSpec


def label_objective(loss: Loss) -> Objective:
    """Return the loss of labels as they are, which designs build upon."""
    return lambda logits, labels, class_weights: loss(logits, labels.targets, class_weights, labels.weights)


@dataclass(frozen=True)
class TrainingLabels:
    """The labels of a training set on its device, and what is minimised over them; every rank has all.

    Attributes:
        targets: 1, 0 or -1; int8 (N, C).
        class_weights: float32 (C,).
        reweight: changes of the class weights by the epoch.
        objective: from logits and labels to the sums of losses and of label weights.
        forward: how the network is called.
    """

    targets: Tensor
    class_weights: Tensor
    reweight: Sequence[ClassWeights]
    objective: Objective
    forward: Forward | None

    def of(self, spec: BatchSpec, which: np.ndarray) -> Labels:
        """Labels of some of a batch, int64 (b,)."""
        targets, drawn = self._at(spec.batch[which]), spec.drawn
        partners = None if drawn.partner is None else self._at(spec.batch[drawn.partner[which]])
        values = {name: upload(value[which], targets.device) for name, value in drawn.values.items()}
        return Labels(targets, partners, values)

    def weights(self, epoch: int) -> Tensor:
        """Class weights of an epoch, float32 (C,)."""
        weights = self.class_weights
        for change in self.reweight:
            weights = change(weights, epoch)
        return weights

    def total_weight(self, spec: BatchSpec, epoch: int) -> Tensor:
        """Sum of the label weights of a whole batch, on all ranks; it does not depend on the logits."""
        labels = self.of(spec, np.arange(len(spec.batch)))
        blank = torch.zeros(labels.targets.shape, device=labels.targets.device)
        logits = self.forward(torch.Tensor.clone, blank) if self.forward else blank
        return self.objective(logits, labels, self.weights(epoch))[1]

    def _at(self, positions: np.ndarray) -> Tensor:
        return self.targets[upload(torch.from_numpy(positions), self.targets.device)]


def class_weights(
    weights: Mapping[str, float], classes: Sequence[str], targets: np.ndarray, report: bool = True
) -> np.ndarray:
    """Weight of each class in the loss; 0, and a printed line, where no training label is known.

    Args:
        weights: class to weight.
        classes: C names.
        targets: of the training set, int8 (N, C).
        report: print the line.

    Raises:
        StudyError: when no class has a known label.
    """
    known = (targets != UNKNOWN).any(axis=0)
    if not known.any():
        raise StudyError("the training set holds no known label")
    if report and not known.all():
        names = ", ".join(name for name, is_known in zip(classes, known, strict=True) if not is_known)
        print(f"no known training label, weight 0 in the loss: {names}")
    return np.array([weights[name] for name in classes]) * known
