import json

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
