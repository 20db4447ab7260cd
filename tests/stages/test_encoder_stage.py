"""The stage encoder: one description an encoder, and what changes it changes what trainings depend on."""

import json
from pathlib import Path

import pytest
import timm
import torch

from cxrlt_core.batches.images import PixelStats
from cxrlt_core.params.schema import Params
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import file_hash
from stages import encoder, pretrained
from stages.artifacts import models
from tests.bad_input.params import SMOKE, with_changes

FILE = Path("data/image_encoders/w.pth")
TINY = {"channels": [4, 8, 8, 8]}
LOCAL = {"pretrained": str(FILE), "options": TINY}
VIT = "vit_tiny_patch16_224"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def study(**changes) -> Params:
    of_the_hub = {f"text_encoders.{name}.model": "org/of_the_hub" for name in SMOKE["text_encoders"]}
    image = {f"image_encoders.resnet50.{key}": value for key, value in changes.items()}
    return parse_params(with_changes(of_the_hub | image))


def weights(seed: int) -> None:
    torch.manual_seed(seed)
    FILE.parent.mkdir(parents=True, exist_ok=True)
    torch.save(timm.create_model("resnet10t", num_classes=3, **TINY).state_dict(), FILE)


def described(params: Params) -> dict:
    encoder.main(params, "resnet50")
    return json.loads(Path("data/encoders/resnet50.json").read_text())


def test_an_untrained_encoder_is_described_in_a_line(capsys):
    found = described(study())
    assert found["weights"] is None and found["commit"] is None and found["network"] == "resnet10t"
    assert found["settings"] == study().image_encoders["resnet50"].model_dump(mode="json")
    [line] = capsys.readouterr().out.splitlines()
    assert line == (
        f"image_encoders.resnet50: resnet10t, {found['tokens']} tokens of 32, "
        f"{found['parameters']:,} parameters, {found['gflops']:.3g} GFLOPs an image: untrained"
    )
    assert described(study()) == found


def test_local_weights_are_described_by_content_and_what_training_builds(capsys):
    weights(0)
    params = study(**LOCAL)
    found = described(params)
    state = torch.load(FILE, weights_only=True)
    tensors = sum(not name.startswith("fc.") for name in state)
    assert found["weights"] == {
        "commit": None, "file": str(FILE), "sha256": file_hash(FILE), "prefix": "", "tensors": tensors,
        "parameters": found["parameters"], "share": 1.0, "left_out": {"fc": 2},
    }  # fmt: skip
    [line] = capsys.readouterr().out.splitlines()
    assert line.endswith(
        f" GFLOPs an image: {FILE} (SHA-256 {file_hash(FILE)[:12]}): {tensors} tensors, "
        f"{found['parameters']:,} parameters, 100.0% of the network; left out: fc 2"
    )
    name = next(name for name, variant in params.variants.items() if variant.image == "resnet50")
    spec = models.image_encoder_spec(params, name)
    assert (spec.name, spec.options, spec.files.name) == (found["network"], found["options"], str(FILE))
    config = models.describe_model(params, name, ["a"], PixelStats(0.5, 0.2), spec)
    assert (config.image_model, config.image_options, config.image_pixels) == ("resnet10t", TINY, None)


def test_replaced_weights_change_what_their_stages_depend_on():
    """DVC and checkpoints see data/pretrained and data/encoders, which name the weights by content."""
    found = []
    for seed in (0, 1, 0):
        weights(seed)
        pretrained.main(study(**LOCAL))
        noted = Path("data/pretrained/image/resnet50.json").read_text()
        other = Path("data/pretrained/image/densenet121.json").read_text()
        found.append((noted, described(study(**LOCAL)), other))
    first, second, again = found
    assert first[0] != second[0] and first[1] != second[1] and first[2] == second[2]
    assert first == again


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"pretrained": "x.pth"},
            "resnet50.pretrained: cannot load 'x.pth' into 'resnet10t': x.pth: no",
        ),
        ({"model": VIT, "options": {"img_size": 224}}, f"resnet50: '{VIT}' cannot encode images of 32 × 32"),
        ({"model": "resnet9"}, "resnet50.model: 'resnet9' is not a timm network"),
    ],
)
def test_a_failure_is_one_line_and_leaves_no_file(changes, line):
    with pytest.raises(StudyError) as caught:
        described(study(**changes))
    assert str(caught.value).startswith(f"image_encoders.{line}") and "\n" not in str(caught.value)
    assert not Path("data/encoders").exists()
