import pytest
import torch
from settings import usual

from cxrlt_core.designs import conflicts
from cxrlt_core.designs.hooks import NetworkShape
from cxrlt_core.designs.ml_decoder import Settings, head

PRIOR = torch.tensor([-1.0, -2.0, -6.0, -3.0, -4.0])
SMALL = {"width": 6, "heads": 2, "feedforward": 7}


def normalised(x: torch.Tensor, norm: torch.nn.LayerNorm) -> torch.Tensor:
    scaled = (x - x.mean()) / (x.var(unbiased=False) + norm.eps).sqrt()
    return scaled * norm.weight + norm.bias


@pytest.mark.parametrize(("groups", "queries", "classes"), [(100, 5, 1), (2, 2, 3)])
def test_it_is_the_papers_decoder_written_out(groups, queries, classes):
    torch.manual_seed(0)
    module = head(usual(Settings, groups=groups, **SMALL), NetworkShape(8, 4, PRIOR)).eval()
    tokens = torch.randn(3, 4, 8)
    logits = module(tokens)
    assert module.queries.shape == (queries, 6) and module.weight.shape == (queries, 6, classes)
    for image, scores in zip(tokens, logits, strict=True):
        memory = [module.tokens(token).clamp(min=0) for token in image]
        for c, score in enumerate(scores):
            q, place = divmod(c, classes)
            x = normalised(2 * module.queries[q], module.norms[0])
            heads = []
            for part in (slice(0, 3), slice(3, 6)):
                asked = module.query(x)[part]
                keys = [module.key_value(token)[:6][part] for token in memory]
                values = [module.key_value(token)[6:][part] for token in memory]
                shares = torch.stack([asked @ key / 3**0.5 for key in keys]).softmax(0)
                heads.append(sum(s * v for s, v in zip(shares, values, strict=True)))
            x = normalised(x + module.out(torch.cat(heads)), module.norms[1])
            x = normalised(x + module.narrow(module.widen(x).clamp(min=0)), module.norms[2])
            torch.testing.assert_close(score, x @ module.weight[q, :, place] + module.bias[c])


def test_queries_are_fixed_but_saved_and_dropout_drops_in_training_alone():
    module = head(usual(Settings, **SMALL), NetworkShape(8, 4, PRIOR))
    assert "queries" in module.state_dict() and "queries" not in dict(module.named_parameters())
    tokens = torch.randn(2, 4, 8)
    assert not torch.equal(module(tokens), module(tokens))
    assert torch.equal(module.eval()(tokens), module(tokens)) and torch.equal(module.bias.data, PRIOR)


def test_heads_share_the_width_and_classes_have_weights_already():
    with pytest.raises(ValueError, match="width 6 must be a multiple of heads 4"):
        usual(Settings, **{**SMALL, "heads": 4})
    [line] = conflicts(["ml_decoder", "separate"])
    assert "weights for each class already" in line


def test_an_exported_graph_takes_any_number_of_images():
    module = head(usual(Settings, **SMALL), NetworkShape(8, 4, PRIOR)).eval()
    some, more = torch.randn(2, 4, 8), torch.randn(5, 4, 8)
    graph = torch.export.export(module, (some,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    torch.testing.assert_close(graph(more), module(more))
