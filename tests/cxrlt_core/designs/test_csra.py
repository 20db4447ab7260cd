import pytest
import torch

from cxrlt_core.designs import conflicts
from cxrlt_core.designs.csra import Settings, head
from cxrlt_core.designs.hooks import NetworkShape
from cxrlt_core.system.errors import StudyError

PRIOR = torch.tensor([-1.0, -2.0, -6.0])
SHAPE = NetworkShape(8, 4, PRIOR)


def test_it_is_the_papers_formula_written_out_and_starts_at_the_prior():
    torch.manual_seed(0)
    module, tokens = head(Settings(residual=0.3, temperature=2), SHAPE), torch.randn(5, 6, 8)
    torch.testing.assert_close(module(torch.zeros(2, 4, 8))[0], PRIOR)
    for c, logits in enumerate(module(tokens).T):
        m = module.linear.weight[c] / module.linear.weight[c].norm()
        for image, logit in zip(tokens, logits, strict=True):
            scores = torch.stack([cell @ m for cell in image])
            share = torch.exp(2 * scores) / torch.exp(2 * scores).sum()
            attended = sum(s * cell for s, cell in zip(share, image, strict=True)) @ m
            torch.testing.assert_close(logit, scores.mean() + 0.3 * attended + module.bias[c])


def test_a_model_with_it_has_no_label_queries_and_no_separate_classifiers(build):
    model = build(designs={"csra": {"residual": 0.1, "temperature": 1.0}})
    assert model(torch.zeros(2, 1, 32, 32)).shape == (2, 3)
    assert not list(model.queries.parameters())
    with pytest.raises(StudyError, match="no label queries"):
        model.attention(torch.zeros(2, 1, 32, 32))
    [line] = conflicts(["csra", "separate"])
    assert "classifier for each class already" in line
