import torch

from cxrlt_core.designs import conflicts
from cxrlt_core.designs.average_pooling import Settings, head
from cxrlt_core.designs.hooks import NetworkShape

PRIOR = torch.tensor([-1.0, -2.0, -6.0])


def test_a_logit_is_linear_in_the_mean_of_the_tokens_and_starts_at_the_prior():
    torch.manual_seed(0)
    module, tokens = head(Settings(), NetworkShape(8, 4, PRIOR)), torch.randn(5, 6, 8)
    torch.testing.assert_close(module(torch.zeros(2, 6, 8))[0], PRIOR)
    for image, logits in zip(tokens, module(tokens), strict=True):
        for c, logit in enumerate(logits):
            mean = sum(cell @ module.linear.weight[c] for cell in image) / 6
            torch.testing.assert_close(logit, mean + module.linear.bias[c])


def test_a_model_with_it_knows_nothing_of_the_text(build, config):
    models = [build(embeddings=torch.randn(3, 5).numpy(), designs={"average_pooling": {}}) for _ in range(2)]
    image = torch.randn(2, 1, 32, 32)
    assert torch.equal(*(model.eval()(image) for model in models))
    assert not list(models[0].queries.parameters())
    assert [*conflicts(["average_pooling", "separate"])] and [*conflicts(["average_pooling", "csra"])]
