import torch
from runs import run


def test_each_token_passes_two_layers_and_the_queries_ask_what_comes_out(build):
    plain, model = build(), build(designs={"token_mlp": {"width": 12}})
    image = torch.randn(2, 1, 32, 32)
    model.encoder.network.load_state_dict(plain.encoder.network.state_dict())
    first, _, second = model.encoder.token_mlp
    tokens = plain.eval().encoder(image)
    expected = torch.stack([second(first(token).clamp(min=0)) for token in tokens.flatten(0, 1)])
    torch.testing.assert_close(model.eval().encoder(image), expected.unflatten(0, tokens.shape[:2]))
    assert (first.in_features, second.out_features) == (tokens.shape[2], 12)
    assert model.queries.project_tokens.in_features == 12


def test_it_is_trained_and_saved_with_the_encoder(build, training, tmp_path):
    model = build(designs={"token_mlp": {"width": 12}})
    before = model.encoder.token_mlp[0].weight.clone()
    after = run(training(epochs=1, model=model), tmp_path)["encoder.token_mlp.0.weight"]
    assert not torch.equal(before, after)
