import json
import re
import socket

import pytest
import torch

from cxrlt_core.model.folder import model_marks, read_model, save_model
from cxrlt_core.system.errors import StudyError


@pytest.fixture
def folder(tmp_path, build, config):
    save_model(tmp_path, build(), config)
    return tmp_path


def test_what_is_saved_is_read_again(folder, build, config):
    again = read_model(folder)
    assert again.config.to_json() == config.to_json()
    images = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(again.network(images), build().eval()(images))


def test_the_marks_follow_the_content(folder, build, config, tmp_path):
    before = model_marks(folder)
    save_model(tmp_path, build(), config)
    assert model_marks(folder) == before
    save_model(tmp_path, build(seed=1), config)
    after = model_marks(folder)
    assert after["config.json"] == before["config.json"] and after != before


@pytest.fixture
def asked(monkeypatch) -> list:
    """What somebody has asked the network for, which is not there."""
    hosts: list = []

    def refuse(*words: object, **_: object) -> None:
        hosts.append(words)
        raise OSError("no network")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return hosts


OVERLAY = {"url": "http://example.org/w.pth", "hf_hub_id": None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_options": {"pretrained": True}}, "image_options: pretrained: no option of a network"),
        (
            {"image_options": {"pretrained": True, "pretrained_cfg_overlay": OVERLAY}},
            "image_options: pretrained, pretrained_cfg_overlay: no option",
        ),
        ({"image_options": {"pretrained_cfg": {"file": "/etc/hosts"}}}, "image_options: pretrained_cfg: no"),
        ({"image_options": {"checkpoint_path": "/etc/hosts"}}, "image_options: checkpoint_path: no option"),
        ({"image_options": {"cache_dir": "/tmp"}}, "image_options: cache_dir: no option"),
        ({"image_model": "hf-hub:org/name"}, "image_model: 'hf-hub:org/name' is not a timm network"),
        ({"image_model": "local-dir:/etc"}, "image_model: 'local-dir:/etc' is not a timm network"),
        ({"classes": ["a", "=1+1", "c"]}, "classes: expected names that begin with a letter, found '=1+1'"),
        ({"image_size": "large"}, "image_size: Input should be a valid integer"),
        ({"image_fit": "bend"}, "image_fit: Input should be 'squash', 'crop' or 'pad'"),
        ({"query": {"width": 8}}, "layers: Field required"),
    ],
)
def test_what_a_folder_asks_for_beyond_a_trained_model_is_refused(changes, message, folder, asked):
    change(folder, **changes)
    with pytest.raises(StudyError, match=re.escape(f"config.json: {message}")) as caught:
        read_model(folder)
    assert "\n" not in str(caught.value) and not asked


def change(folder, **changes):
    content = json.loads((folder / "config.json").read_text()) | changes
    kept = {key: value for key, value in content.items() if value != "gone"}
    (folder / "config.json").write_text(json.dumps(kept))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "config.json").write_text("[]"), r"config\.json: expected a mapping"),
        (
            lambda f: change(f, image_fit="gone", precision="gone", colour="red"),
            r"config\.json: missing image_fit, precision; unknown colour; train it again with this version$",
        ),
        (lambda f: (f / "model.safetensors").unlink(), r"model\.safetensors: no such file"),
        (lambda f: change(f, image_options={"channels": [4, 8, 8, 16]}), r"safetensors: not the weights of"),
    ],
)
def test_what_is_not_whole_is_one_line(spoil, message, folder):
    spoil(folder)
    with pytest.raises(StudyError, match=message) as caught:
        read_model(folder)
    assert "\n" not in str(caught.value)
