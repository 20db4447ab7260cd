import re

import pytest
import timm
import torch
from safetensors.torch import save_file
from settings import usual

from cxrlt_core.model.encoder_spec import resolve_encoder
from cxrlt_core.model.image_encoder import TokenEncoder, build_network, describe_network, load_network
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.system.errors import StudyError

TINY = {"channels": [4, 8, 8, 8]}
SWIN = {"depths": [1, 1], "num_heads": [1, 2], "embed_dim": 8, "img_size": 32, "window_size": 4}
VIT = {"img_size": 32, "depth": 1, "embed_dim": 12, "num_heads": 2}

NETWORKS = {
    "cnn": ("resnet10t", TINY, 1, 8),
    "densenet": ("densenet121", {"growth_rate": 4, "block_config": [1, 1, 1, 1]}, 1, 8),
    "vit": ("vit_tiny_patch16_224", VIT, 4, 12),
    "nhwc": ("swin_tiny_patch4_window7_224", SWIN, 16, 16),
    "convnext": ("convnext_atto", {"depths": [1, 1, 1, 1], "dims": [4, 4, 8, 12]}, 1, 12),
}


def untrained(model: str = "resnet10t", **changes) -> ImageEncoder:
    return usual(ImageEncoder, **{"model": model, "pretrained": False, "options": {}, **changes})


def load(encoder: ImageEncoder, size: int = 32, key: str = "k") -> TokenEncoder:
    network, _ = load_network(encoder, resolve_encoder(encoder, size, key), size, key)
    return TokenEncoder(network)


def describe(encoder: ImageEncoder, size: int, key: str = "k") -> dict:
    return describe_network(load(encoder, size, key).network, encoder, size, key)


@pytest.mark.parametrize("name", NETWORKS)
def test_tokens_are_cells_or_patches_by_channels(name):
    model, options, tokens, width = NETWORKS[name]
    encoder = TokenEncoder(build_network(model, options)).eval()
    assert encoder.width == width
    assert encoder(torch.randn(2, 1, 32, 32)).shape == (2, tokens, width)


def test_cells_keep_their_channels_together_and_a_class_token_is_left_out():
    encoder = TokenEncoder(build_network("resnet10t", TINY)).eval()
    images = torch.randn(2, 1, 64, 96)
    features = encoder.network.forward_features(images)
    tokens = encoder(images)
    for y in range(2):
        for x in range(3):
            torch.testing.assert_close(tokens[:, 3 * y + x], features[:, :, y, x])
    encoder = TokenEncoder(build_network("vit_tiny_patch16_224", VIT)).eval()
    images = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(encoder(images), encoder.network.forward_features(images)[:, 1:])


@pytest.fixture
def weights(tmp_path) -> tuple[str, dict[str, torch.Tensor]]:
    """Weights of a network for RGB and ten classes, in a file."""
    torch.manual_seed(1)
    state = timm.create_model("resnet10t", in_chans=3, num_classes=10, **TINY).state_dict()
    save_file(state, tmp_path / "rgb.safetensors")
    return str(tmp_path / "rgb.safetensors"), state


def test_grey_images_give_the_features_of_three_equal_channels(weights):
    file, state = weights
    colour = timm.create_model("resnet10t", in_chans=3, num_classes=10, **TINY).eval()
    colour.load_state_dict(state)
    grey = load(untrained(pretrained=file, options=TINY)).eval()
    images = torch.randn(2, 1, 32, 32)
    expected = colour.forward_features(images.expand(-1, 3, -1, -1)).flatten(2).mT
    torch.testing.assert_close(grey(images), expected, atol=1e-4, rtol=1e-4)
    overlay = {"file": file, "num_classes": 10}  # timm's own loader is there again afterwards
    timms = timm.create_model("resnet10t", True, pretrained_cfg_overlay=overlay, num_classes=10, **TINY)
    assert all(torch.equal(timms.state_dict()[name], tensor) for name, tensor in state.items())


def test_loading_leaves_the_generator_where_building_does_and_the_network_in_training_mode():
    torch.manual_seed(0)
    built, after = build_network("resnet10t", TINY), torch.rand(1)
    torch.manual_seed(0)
    loaded = load(untrained(options=TINY))
    assert torch.equal(torch.rand(1), after) and loaded.training
    for name, tensor in built.state_dict().items():
        assert torch.equal(tensor, loaded.network.state_dict()[name]), name


def test_a_description_counts():
    """A 1×1 convolution in, one 3×3 convolution each: what flops and parameters are is known."""
    result = describe(untrained(options=TINY), 64)
    assert result == describe(untrained(options=TINY), 64)
    network = build_network("resnet10t", TINY)
    expected = 0

    def count(module, _, out):
        nonlocal expected
        expected += 2 * out.numel() * module.weight[0].numel()

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    network.forward_features(torch.zeros(1, 1, 64, 64))
    parameters = sum(p.numel() for p in network.parameters())
    assert result == {"tokens": 4, "width": 8, "parameters": parameters, "gflops": round(expected / 1e9, 6)}


def test_attention_counts_too():
    small, large = (
        describe(untrained("vit_tiny_patch16_224", options={"depth": 1}), size)["gflops"]
        for size in (128, 256)
    )
    # four times the tokens, and sixteen times the two products of 65 and 257 tokens by 192 channels
    products = [4 * tokens**2 * 192 / 1e9 for tokens in (65, 257)]
    assert (large - products[1]) / (small - products[0]) == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize(
    ("model", "options", "size", "tokens"),
    [
        ("vit_tiny_patch16_224", {"depth": 1}, 96, 36),
        ("vit_tiny_patch16_224", {"depth": 1, "dynamic_img_size": True}, 64, 16),
        ("vit_small_patch14_dinov2", {"depth": 1}, 56, 16),
        ("swin_tiny_patch4_window7_224", {"depths": [1, 1, 1, 1]}, 96, 9),
        ("swin_tiny_patch4_window7_224", {"depths": [1, 1, 1, 1]}, 256, 64),
        ("convnext_atto", {"depths": [1, 1, 1, 1]}, 96, 9),
        ("densenet121", {"growth_rate": 4, "block_config": [1, 1, 1, 1]}, 80, 4),
        ("vit_tiny_patch16_224", {"depth": 1, "dynamic_img_size": True, "dynamic_img_pad": True}, 40, 9),
    ],
)
def test_encoders_take_the_size_of_the_study(model, options, size, tokens):
    assert describe(untrained(model, options=options), size)["tokens"] == tokens


@pytest.mark.parametrize(
    ("encoder", "size", "message"),
    [
        (
            untrained("vit_tiny_patch16_224"), 40,
            r"^e\.x: patches of 16 pixels do not fill 40 pixels; expected image\.size: 32 or 48, "
            r"or options: \{dynamic_img_size: true, dynamic_img_pad: true\}$",
        ),
        (
            untrained("swin_tiny_patch4_window7_224"), 37,
            r"^e\.x: patches of 4 pixels do not fill 37 pixels; expected image\.size: 36 or 40$",
        ),
        (
            untrained("vit_tiny_patch16_224", options={"depth": 1, "img_size": 224}), 64,
            r"^e\.x: 'vit_tiny_patch16_224' cannot encode images of 64 × 64 pixels: .*224.*; "
            r"expected options: \{img_size: 64\}, or none$",
        ),
        (untrained("crossvit_9_240"), 240, r"^e\.x: 'crossvit_9_240' cannot encode images of 240 × 240 .+$"),
        (untrained(options={"no_such": 1}), 32, r"^e\.x: cannot build 'resnet10t': .*no_such.*$"),
        (untrained(options={"channels": "wide"}), 32, r"^e\.x: cannot build 'resnet10t': .+$"),
    ],
)  # fmt: skip
def test_a_network_that_does_not_fit_is_one_line(encoder, size, message):
    with pytest.raises(StudyError) as caught:
        describe(encoder, size, "e.x")
    assert re.match(message, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)


def test_position_embeddings_and_bias_tables_are_resampled(tmp_path):
    torch.manual_seed(0)
    state = timm.create_model("vit_tiny_patch16_224", **{**VIT, "img_size": 64}).state_dict()
    save_file(state, tmp_path / "w.safetensors")
    options = {k: v for k, v in VIT.items() if k != "img_size"}
    encoder = untrained("vit_tiny_patch16_224", pretrained=str(tmp_path / "w.safetensors"), options=options)
    result = load(encoder, 96).network.pos_embed
    expected = timm.layers.resample_abs_pos_embed(state["pos_embed"], [6, 6])
    torch.testing.assert_close(result, expected)
    swin, small = "swin_tiny_patch4_window7_224", {**SWIN, "img_size": 64}
    save_file(timm.create_model(swin, num_classes=0, **small).state_dict(), tmp_path / "w.safetensors")
    options = {k: v for k, v in {**SWIN, "window_size": 8}.items() if k != "img_size"}
    encoder = untrained(swin, pretrained=str(tmp_path / "w.safetensors"), options=options)
    assert load(encoder, 64).eval()(torch.randn(1, 1, 64, 64)).shape == (1, 64, 16)
