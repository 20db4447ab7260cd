import pytest
import timm
import torch
from safetensors.torch import save_file

from cxrlt_core.model.image_encoder import build_image_encoder, load_image_encoder
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.system.errors import StudyError

TINY = {"channels": [4, 8, 8, 8]}
CHANNELS_LAST = {"depths": [1, 1], "num_heads": [1, 2], "embed_dim": 8, "img_size": 32, "window_size": 4}
VIT = {"img_size": 32, "depth": 1, "embed_dim": 12, "num_heads": 2}

NETWORKS = {
    "cnn": ("resnet10t", TINY, 1, 8),
    "densenet": ("densenet121", {"growth_rate": 4, "block_config": [1, 1, 1, 1]}, 1, 8),
    "vit": ("vit_tiny_patch16_224", VIT, 4, 12),
    "nhwc": ("swin_tiny_patch4_window7_224", CHANNELS_LAST, 16, 16),
    "convnext": ("convnext_atto", {"depths": [1, 1, 1, 1], "dims": [4, 4, 8, 12]}, 1, 12),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_tokens_are_cells_or_patches_by_channels(name):
    model, options, tokens, width = NETWORKS[name]
    encoder = build_image_encoder(model, options).eval()
    assert encoder.width == width
    assert encoder(torch.randn(2, 1, 32, 32)).shape == (2, tokens, width)


def test_cells_keep_their_channels_together():
    encoder = build_image_encoder("resnet10t", TINY).eval()
    images = torch.randn(2, 1, 64, 96)
    features = encoder.network.forward_features(images)
    tokens = encoder(images)
    for y in range(2):
        for x in range(3):
            torch.testing.assert_close(tokens[:, 3 * y + x], features[:, :, y, x])


def test_a_transformers_class_token_is_left_out():
    encoder = build_image_encoder("vit_tiny_patch16_224", VIT).eval()
    images = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(encoder(images), encoder.network.forward_features(images)[:, 1:])


@pytest.fixture
def weights(tmp_path) -> tuple[str, dict[str, torch.Tensor]]:
    """Weights of a network for RGB and ten classes, in a file."""
    torch.manual_seed(1)
    state = timm.create_model("resnet10t", in_chans=3, num_classes=10, **TINY).state_dict()
    save_file(state, tmp_path / "rgb.safetensors")
    return str(tmp_path / "rgb.safetensors"), state


def test_local_rgb_weights_load_into_the_grey_network(weights):
    file, state = weights
    encoder = load_image_encoder(ImageEncoder(model="resnet10t", pretrained=file, options=TINY), 32, "k")
    loaded = encoder.network.state_dict()
    first = "conv1.0.weight"
    torch.testing.assert_close(loaded[first], state[first].sum(1, keepdim=True))
    others = [name for name in loaded if name != first]
    assert len(others) > 20 and all(torch.equal(loaded[name], state[name]) for name in others)
    assert encoder.training


def test_grey_images_give_the_features_of_three_equal_channels(weights):
    file, state = weights
    colour = timm.create_model("resnet10t", in_chans=3, num_classes=10, **TINY).eval()
    colour.load_state_dict(state)
    grey = load_image_encoder(ImageEncoder(model="resnet10t", pretrained=file, options=TINY), 32, "k").eval()
    images = torch.randn(2, 1, 32, 32)
    expected = colour.forward_features(images.expand(-1, 3, -1, -1)).flatten(2).mT
    torch.testing.assert_close(grey(images), expected, atol=1e-4, rtol=1e-4)


def test_trying_the_network_leaves_it_and_the_generator_alone():
    encoder = ImageEncoder(model="resnet10t", pretrained=False, options=TINY)
    torch.manual_seed(0)
    built, after = build_image_encoder("resnet10t", TINY), torch.rand(1)
    torch.manual_seed(0)
    loaded = load_image_encoder(encoder, 32, "k")
    assert torch.equal(torch.rand(1), after)
    for name, tensor in built.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "resnet10"}, r"^encoders\.x\.model: 'resnet10' is not a timm network$"),
        ({"pretrained": "w.pth"}, r"^encoders\.x\.pretrained: w\.pth: expected a \.safetensors file$"),
        ({"pretrained": "no.safetensors"}, r"^encoders\.x\.pretrained: no\.safetensors: no such file$"),
        ({"options": {"no_such": 1}}, r"^encoders\.x: cannot build 'resnet10t': .*no_such.*$"),
        ({"options": {"in_chans": 3}}, r"^encoders\.x: cannot build 'resnet10t': .*in_chans.*$"),
        ({"options": {"channels": "wide"}}, r"^encoders\.x: cannot build 'resnet10t': .+$"),
        ({"model": "crossvit_9_240", "options": {}}, r"^encoders\.x: 'crossvit_9_240' cannot encode .+$"),
    ],
)
def test_bad_settings_are_one_line_that_names_the_key(changes, message):
    settings = {"model": "resnet10t", "pretrained": False, "options": TINY, **changes}
    with pytest.raises(StudyError, match=message) as caught:
        load_image_encoder(ImageEncoder(**settings), 240, "encoders.x")
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_or_a_broken_file_are_one_line(weights, tmp_path):
    file, _ = weights
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"junk")
    for pretrained, channels in ((file, [4, 8, 8, 16]), (str(broken), [4, 8, 8, 8])):
        settings = ImageEncoder(model="resnet10t", pretrained=pretrained, options={"channels": channels})
        with pytest.raises(StudyError, match=r"^encoders\.x: cannot build 'resnet10t': .+$"):
            load_image_encoder(settings, 32, "encoders.x")
