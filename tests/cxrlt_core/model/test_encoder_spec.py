"""What an entry means; a hub is a small cache here, read without network."""

import json
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from settings import usual

from cxrlt_core.model.encoder_spec import EncoderSpec, resolve_encoder
from cxrlt_core.model.image_encoder import build_network, load_network
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.system.errors import StudyError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
VIT = {"depth": 1, "embed_dim": 12, "num_heads": 2}


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty cache of the hub's library, offline."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def store(hub: Path, repository: str, revision: str = "main") -> Path:
    """Make the folder of a repository's only commit."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / revision).write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    return folder / "snapshots" / COMMIT


@pytest.fixture
def model(hub) -> dict[str, torch.Tensor]:
    """A model in timm's format at the tag v1: a ViT for 64 pixels, three colours and ten classes."""
    folder = store(hub, "org/vit", "v1")
    torch.manual_seed(0)
    options = {**VIT, "img_size": 64, "class_token": False, "global_pool": "avg"}
    state = timm.create_model("vit_tiny_patch16_224", num_classes=10, **options).state_dict()
    save_file(state, folder / "model.safetensors")
    config = {
        "input_size": [3, 64, 64], "fixed_input_size": True, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.5],
        "num_classes": 10, "first_conv": "patch_embed.proj", "classifier": "head",
    }  # fmt: skip
    content = {"architecture": "vit_tiny_patch16_224", "model_args": options, "pretrained_cfg": config}
    content |= {"num_classes": 10, "global_pool": "avg"}
    (folder / "config.json").write_text(json.dumps(content))
    return state


def spec_of(size: int = 64, **changes) -> EncoderSpec:
    encoder = usual(ImageEncoder, **{"pretrained": False, **changes})
    return resolve_encoder(encoder, size, "e.x")


def test_a_plain_name_means_itself_and_a_stated_size_or_local_file_stays():
    expected = EncoderSpec("resnet10t", {"a": 1}, None, None, None)
    assert spec_of(model="resnet10t", options={"a": 1}) == expected
    for options in ({"img_size": 32}, {"dynamic_img_size": True}):
        assert spec_of(model="vit_tiny_patch16_224", options=options).options == options
    assert spec_of(model="vit_tiny_patch16_224", options={}).options == {"img_size": 64}
    spec = spec_of(model="resnet10t", pretrained="data/x.pth", pixels=[0.5, 0.25])
    assert (spec.files.weights, spec.files.name, spec.commit) == ([Path("data/x.pth")], "data/x.pth", None)
    assert spec.pixels == (0.5, 0.25)


@pytest.mark.parametrize("revision", ["v1", COMMIT])
def test_a_model_of_the_hub_is_one_of_timm_at_the_size_of_the_study(model, revision):
    encoder = usual(ImageEncoder, model="hf-hub:org/vit", revision=revision, pixels="weights")
    spec = resolve_encoder(encoder, 96, "e.x")
    assert spec.name == "vit_tiny_patch16_224" and spec.commit == COMMIT
    assert spec.options == {**VIT, "class_token": False, "global_pool": "avg", "img_size": 96}
    assert spec.files.name == "org/vit/model.safetensors" and spec.pixels == pytest.approx((0.5, 0.3))
    network, loaded = load_network(encoder, spec, 96, "e.x")
    assert loaded.tensors == len(network.state_dict()) and network.pos_embed.shape[1] == 36
    torch.testing.assert_close(
        network.patch_embed.proj.weight, model["patch_embed.proj.weight"].sum(1, keepdim=True)
    )
    again = build_network(spec.name, json.loads(json.dumps(spec.options)))  # as config.json rebuilds it
    again.load_state_dict(network.state_dict())
    spec = spec_of(model="hf-hub:org/vit", revision=revision)  # may start at random
    assert spec.files is None and spec.commit == COMMIT


def test_timms_own_weights_come_with_their_commit(hub):
    folder = store(hub, "timm/resnet18.a1_in1k")
    state = timm.create_model("resnet18", layers=[1, 1, 1, 1]).state_dict()
    torch.save(state, folder / "pytorch_model.bin")
    encoder = usual(ImageEncoder, model="resnet18", options={"layers": [1, 1, 1, 1]}, pixels="weights")
    spec = resolve_encoder(encoder, 64, "e.x")
    assert (spec.commit, spec.files.name) == (COMMIT, "timm/resnet18.a1_in1k/pytorch_model.bin")
    assert spec.pixels == pytest.approx((0.449, 0.226), abs=1e-3)
    network, loaded = load_network(encoder, spec, 64, "e.x")
    assert loaded.tensors == len(network.state_dict())
    del state["layer2.0.conv1.weight"]
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(StudyError, match=r"': 1 missing: layer2\.0\.conv1\.weight$"):
        load_network(encoder, spec, 64, "e.x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "resnet5O"}, r"model: 'resnet5O' is not a timm network, did you mean 'resnet50'\?$"),
        ({"model": "ViT_Tiny_Patch16"}, r"model: .*, did you mean 'vit_tiny_patch16_\w+'\?$"),
        ({"model": "my_own"}, "model: 'my_own' is not a timm network$"),
        ({"model": "resnet18.no_such"}, r"model: 'resnet18\.no_such' is not a timm network: .*no_such"),
        ({"model": "local-dir:/tmp"}, "model: 'local-dir:/tmp' is not a timm network"),
        ({"model": "hf-hub:a/b", "revision": "v1"}, r"model: .*cached snapshot.*$"),
        (
            {"model": "resnet18", "pretrained": True},
            r"pretrained: cannot load 'timm/resnet18\.a1_in1k': .*cached snapshot.*$",
        ),
        (
            {"model": "gcvit_tiny", "pretrained": True},
            "pretrained: the hub has no weights of 'gcvit_tiny', expected a local file$",
        ),
    ],
)
def test_what_cannot_be_found_is_one_line(changes, message, hub):
    with pytest.raises(StudyError, match=rf"^e\.x\.{message}") as caught:
        spec_of(**changes)
    assert "\n" not in str(caught.value)


def test_a_repository_of_another_library_or_without_weights_or_config_is_one_line(hub):
    (store(hub, "org/other", "v1") / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(StudyError, match=r"^e\.x\.model: 'hf-hub:org/other' is not a timm network: .+$"):
        spec_of(model="hf-hub:org/other", revision="v1")
    store(hub, "org/none", "v1")
    with pytest.raises(StudyError, match=r"^e\.x\.model: 'org/none' has no config\.json$"):
        spec_of(model="hf-hub:org/none", revision="v1")
    store(hub, "timm/resnet18.a1_in1k")
    with pytest.raises(StudyError, match=r"^e\.x\.pretrained: cannot load 'timm/resnet18.*': no weights"):
        spec_of(model="resnet18", pretrained=True)


def test_the_config_of_a_hub_brings_no_weights_of_its_own(model, hub):
    """Its options reach timm as the study's do, and pass the same rule."""
    file = hub / f"models--org--vit/snapshots/{COMMIT}/config.json"
    content = json.loads(file.read_text())
    content["model_args"] |= {"checkpoint_path": "x.pth", "pretrained_cfg": {}}
    file.write_text(json.dumps(content))
    with pytest.raises(StudyError, match=r"names what is no option: checkpoint_path, pretrained_cfg$"):
        spec_of(model="hf-hub:org/vit", revision="v1")
