import pytest
import torch
from runs import run, same
from torch.distributions import Bernoulli, kl_divergence

from cxrlt_core.designs import mixup, results
from cxrlt_core.designs.hooks import Labels
from cxrlt_core.designs.r_drop import Settings, divergence, forward, loss
from cxrlt_core.losses.bce import bce
from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.objective import label_objective


def test_it_is_the_papers_formula_over_the_known_labels_and_equal_passes_cost_what_one_does():
    torch.manual_seed(0)
    logits, weights = torch.randn(2, 6, 3), torch.tensor([1.0, 2.0, 0.5])
    targets = torch.randint(-1, 2, (6, 3), dtype=torch.int8)
    objective = loss(Settings(weight=0.7), None)(label_objective(bce))
    sums = objective(logits, Labels(targets), weights)
    p, q = (Bernoulli(logits=one) for one in logits)
    apart = (kl_divergence(p, q) + kl_divergence(q, p)) / 2
    known = (targets >= 0) * weights
    plain = bce(logits[0], targets, weights)[0] + bce(logits[1], targets, weights)[0]
    torch.testing.assert_close(sums[0], (plain + 0.7 * (known * apart).sum()) / 2)
    torch.testing.assert_close(sums[1], known.sum())


def test_passes_in_which_nothing_is_dropped_are_refused():
    logits, targets = torch.randn(4, 3, requires_grad=True), torch.ones(4, 3, dtype=torch.int8)
    twice = forward(Settings(weight=1), None)(lambda images: images, logits)
    assert twice.shape == (2, 4, 3) and (twice[0] == twice[1]).all()
    objective = loss(Settings(weight=1), None)(label_objective(bce))
    with pytest.raises(StudyError, match=r"^r_drop: both passes are equal, .* query.dropout above 0"):
        objective(twice, Labels(targets), torch.ones(3))


def test_with_mixup_the_divergence_counts_what_is_known_of_both_images():
    designs = {"mixup": mixup.Settings(alpha=1), "r_drop": Settings(weight=3)}
    objective = label_objective(bce)
    for change in results(designs, "loss", None):
        objective = change(objective)
    logits, lam = torch.tensor([[[1.0]], [[-1.0]]]), torch.tensor([0.75])
    unknown, negative = (torch.tensor([[label]], dtype=torch.int8) for label in (-1, 0))
    sums = objective(logits, Labels(unknown, negative, {"lam": lam}), torch.ones(1))
    plain = bce(logits[0], negative, torch.ones(1))[0] + bce(logits[1], negative, torch.ones(1))[0]
    apart = divergence(logits[0], logits[1]).sum()
    torch.testing.assert_close(sums, (0.25 * (plain + 3 * apart) / 2, torch.tensor(0.25)))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_dropout_makes_the_passes_differ_in_a_training(accumulate, training, tmp_path):
    def trained(weight: float) -> dict:
        designs = {"r_drop": Settings(weight=weight)}
        return run(training(epochs=1, accumulate=accumulate, designs=designs), tmp_path, str(weight))

    assert not same(trained(1e-9), trained(5.0))
