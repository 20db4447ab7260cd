"""Foreign layouts as their libraries write them, small, against the networks that they come from."""

import re
from pathlib import Path

import pytest
import timm
import torch
import torchvision
import transformers
import yaml
from safetensors.torch import load_file, save_file
from settings import usual
from torch.nn import functional as F

from cxrlt_core.model.encoder_spec import resolve_encoder
from cxrlt_core.model.image_encoder import load_network
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.system.errors import StudyError

PAGE = Path(__file__).parents[3] / "docs/encoders-image.md"
EXAMPLES = {
    name: entry
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    for name, entry in yaml.safe_load(block)["image_encoders"].items()
}


def example(name: str, file: Path, **changes) -> ImageEncoder:
    """An entry of the page, for a small file in place of its own."""
    return ImageEncoder(**{**EXAMPLES[name], "pretrained": str(file), **changes})


def load(encoder: ImageEncoder, size: int) -> torch.nn.Module:
    network, loaded = load_network(encoder, resolve_encoder(encoder, size, "e.x"), size, "e.x")
    assert loaded.share == 1
    return network.eval()


def randomised(network: torch.nn.Module) -> torch.nn.Module:
    """Every tensor of its own, so that none can stand in another's place."""
    generator = torch.Generator().manual_seed(0)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.2 + 0.05)
    return network.eval()


def images(size: int) -> torch.Tensor:
    return torch.randn(2, 1, size, size, generator=torch.Generator().manual_seed(1))


def assert_features(ours, theirs, size: int, tolerance: float = 1e-4) -> None:
    """Grey images give what a network for colour gives of three equal channels."""
    with torch.no_grad():
        found, expected = ours.forward_features(images(size)), theirs(images(size).expand(-1, 3, -1, -1))
        torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


DINO = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 70}
DINO |= {"patch_size": 14}
SMALL = {"depth": 2, "embed_dim": 24, "num_heads": 2}


#: The giant model's SwiGLU has other names, and keeps its two halves in the same order.
GIANT = {"model": "vit_giant_patch14_dinov2", "options": {**SMALL, "mlp_ratio": 2 * 64 / 24}}


@pytest.mark.parametrize(
    ("entry", "kind", "foreign", "changes"),
    [
        ("rad_dino", "Dinov2", {}, {}),
        ("dinov2", "Dinov2", {}, {}),
        ("dinov2", "Dinov2", {"use_swiglu_ffn": True}, GIANT),
        ("dinov2_registers", "Dinov2WithRegisters", {"num_register_tokens": 4}, {}),
    ],
)
def test_dinov2_of_transformers(entry, kind, foreign, changes, tmp_path):
    """At its own size the features are transformers' own; at another one the positions are resampled."""
    config = getattr(transformers, f"{kind}Config")(**DINO, **foreign)
    theirs = randomised(getattr(transformers, f"{kind}Model")(config))
    theirs.save_pretrained(tmp_path)
    encoder = example(entry, tmp_path / "model.safetensors", **{"options": SMALL, **changes})
    assert_features(load(encoder, 70), lambda x: theirs(x).last_hidden_state, 70, 2e-4)
    load(encoder, 42)


def test_a_missing_part_of_a_projection_and_a_layout_that_is_not_named(tmp_path):
    transformers.Dinov2Model(transformers.Dinov2Config(**DINO)).save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    state = load_file(file)
    with pytest.raises(StudyError, match=r": it looks like layout: transformers_dinov2; "):
        load(example("dinov2", file, options=SMALL, layout="timm"), 70)
    gone = "encoder.layer.1.attention.attention.key.weight"
    save_file({n: t for n, t in state.items() if n != gone}, file)
    with pytest.raises(StudyError, match=r": 1 missing: blocks\.1\.attn\.qkv\.weight$"):
        load(example("dinov2", file, options=SMALL), 70)


@pytest.mark.parametrize("old", [False, True])
def test_a_densenet_of_torchvision(old, tmp_path):
    """Its old files call layers norm.1 where the library now says norm1."""
    theirs = torchvision.models.DenseNet(growth_rate=4, block_config=(1, 2, 1, 1), num_init_features=8)
    state = randomised(theirs).state_dict()
    if old:
        state = {
            re.sub(r"\.(norm|conv)(\d)\.(?=\w+$)", r".\1.\2.", n) if "denselayer" in n else n: t
            for n, t in state.items()
            if "num_batches" not in n
        }
    torch.save(state, tmp_path / "w.pth")
    options = {"growth_rate": 4, "block_config": [1, 2, 1, 1]}
    ours = load(example("densenet_torchvision", tmp_path / "w.pth", options=options), 64)
    assert_features(ours, lambda x: F.relu(theirs.features(x)), 64)


def test_a_resnet_of_torchvision(tmp_path):
    theirs = randomised(torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 1, 1, 1]))
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    ours = load(example("resnet_torchvision", tmp_path / "w.pth", options={"layers": [1, 1, 1, 1]}), 32)
    features = []
    theirs.layer4.register_forward_hook(lambda *given: features.append(given[-1]))
    with torch.no_grad():
        theirs(images(32).expand(-1, 3, -1, -1))
        torch.testing.assert_close(ours.forward_features(images(32)), features[0], rtol=1e-4, atol=1e-4)


def test_the_densenet_of_torchxrayvision(tmp_path):
    """A DenseNet for grey images with torchvision's names, a buffer of thresholds, and a classifier of 18."""
    grey = timm.create_model(
        "densenet121", in_chans=1, num_classes=18, growth_rate=4, block_config=[1, 1, 1, 1]
    )
    state = {**randomised(grey).state_dict(), "op_threshs": torch.rand(18)}
    torch.save(state, tmp_path / "w.pth")
    options = {"growth_rate": 4, "block_config": [1, 1, 1, 1]}
    encoder = example("densenet_xrv", tmp_path / "w.pth", options=options)
    ours = load(encoder, 32)
    assert torch.equal(ours.features.conv0.weight, state["features.conv0.weight"])
    mean, deviation = resolve_encoder(encoder, 32, "e.x").pixels
    black, white = ((pixel - mean) / deviation for pixel in (0.0, 1.0))
    assert (black, white) == (-1024, 1024)  # as xrv.datasets.normalize makes them


def test_a_masked_autoencoder(tmp_path):
    """MAE's encoder and decoder, in a checkpoint beside an optimiser's state."""
    encoder = randomised(timm.create_model("vit_base_patch16_224", num_classes=0, img_size=64, **SMALL))
    state = {**encoder.state_dict(), "mask_token": torch.rand(1, 1, 8)}
    for name in ("decoder_embed.weight", "decoder_blocks.0.norm1.weight", "decoder_pos_embed"):
        state[name] = torch.rand(8)
    optimiser = {"state": {0: {"exp_avg": torch.rand(3)}}, "param_groups": [{"lr": 0.1}]}
    torch.save({"model": state, "optimizer": optimiser, "epoch": 3}, tmp_path / "w.pth")
    ours = load(example("medmae", tmp_path / "w.pth", options=SMALL), 64)
    assert_features(ours, encoder.forward_features, 64)


TINY_VIT = {"depth": 1, "embed_dim": 24, "num_heads": 2}


@pytest.mark.parametrize(
    ("model", "options", "old_name"),
    [
        ("deit3_small_patch16_224", TINY_VIT, (r"\.ls(\d)\.gamma", r".gamma_\1")),
        ("swin_tiny_patch4_window7_224", {"depths": [1], "embed_dim": 8, "num_heads": [1]}, ("", "")),
    ],
)
def test_the_names_of_authors_become_what_timm_makes_of_them(model, options, old_name, tmp_path):
    theirs = timm.create_model(model, **options)
    state = {re.sub(*old_name, name): tensor for name, tensor in randomised(theirs).state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    size = {"img_size": 64} if "patch" in model else {}
    overlay = {"state_dict": state, "num_classes": 1000}
    expected = timm.create_model(
        model, True, pretrained_cfg_overlay=overlay, in_chans=1, num_classes=0, **options, **size
    ).state_dict()
    encoder = usual(ImageEncoder, model=model, pretrained=str(tmp_path / "w.pth"), options=options)
    ours = load(encoder, 64).state_dict()
    assert ours.keys() == expected.keys()
    assert all(ours[name].equal(tensor) for name, tensor in expected.items())


def test_every_entry_of_the_page_is_valid_and_stands_where_changes_are_noticed():
    for name, entry in EXAMPLES.items():
        encoder = ImageEncoder(**entry)
        local = isinstance(encoder.pretrained, str)
        assert not local or encoder.pretrained.startswith("data/image_encoders/"), name
