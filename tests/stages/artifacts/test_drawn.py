"""The demo's images are those of the study's parameters and code, or are drawn again."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cxrlt_core.system.files import write_json, write_text
from stages.artifacts import drawn
from stages.artifacts.drawn import draw_again, note_drawn

IMAGES = Path("data/raw/nih/images")
PARAMS = SimpleNamespace(demo=SimpleNamespace(sources=["nih"]))


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Images that were drawn as they should be; what is asked to be drawn since."""
    monkeypatch.chdir(tmp_path)
    stages: list[str] = []
    monkeypatch.setattr(drawn, "run_again", lambda stage, source: stages.append(f"{stage}@{source}"))
    for path in drawn.DRAWN_WITH:
        write_json(path, {})
    write_text(IMAGES / "a.png", "")
    note_drawn(PARAMS, "nih")
    return stages


def test_images_as_they_should_be_stay(asked):
    draw_again(PARAMS, "nih", IMAGES)
    assert asked == []


@pytest.mark.parametrize("path", drawn.DRAWN_WITH)
def test_images_of_other_parameters_or_code_are_drawn_again_even_when_packed(asked, path, capsys):
    write_json(path, {"size": 48})
    draw_again(PARAMS, "nih", IMAGES, packed=True)
    assert asked == ["synthesize@nih"]
    assert "drawn with other parameters or code" in capsys.readouterr().out


def test_images_that_are_gone_are_drawn_again_unless_they_are_packed(asked):
    (IMAGES / "a.png").unlink()
    IMAGES.rmdir()
    draw_again(PARAMS, "nih", IMAGES, packed=True)
    assert asked == []
    draw_again(PARAMS, "nih", IMAGES)
    assert asked == ["synthesize@nih"]


@pytest.mark.parametrize("content", [None, "{", json.dumps("other")])
def test_images_of_which_nothing_is_noted_are_drawn_again(asked, content):
    note = Path("data/raw/nih/drawn.json")
    note.unlink() if content is None else note.write_text(content)
    draw_again(PARAMS, "nih", IMAGES)
    assert asked == ["synthesize@nih"]


def test_real_images_are_left_alone(asked):
    draw_again(PARAMS, "mimic", Path("absent"))
    assert asked == []
