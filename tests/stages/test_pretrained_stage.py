"""The stage pretrained: local weights are noted by content, and lie where a change of them is noticed."""

import json
from pathlib import Path

import pytest

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import file_hash
from stages.pretrained import IMAGE, TEXT, check_location, write_hashes


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (IMAGE, TEXT / "model/parts", Path("elsewhere/model")):
        folder.mkdir(parents=True)
    for file in (
        IMAGE / "w.pth",
        TEXT / "model/config.json",
        TEXT / "model/parts/a",
        Path("elsewhere/model/a"),
    ):
        file.write_text(str(file))


def refusal(place: str, folder: Path = TEXT) -> str:
    with pytest.raises(StudyError) as caught:
        check_location(place, folder, "k")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_file_is_noted_by_content():
    for kind, path in (("image", IMAGE / "w.pth"), ("text", TEXT / "model")):
        write_hashes(kind, "x", check_location(str(path), path.parent, "k"))
    found = [json.loads(Path(f"data/pretrained/{kind}/x.json").read_text()) for kind in ("image", "text")]
    assert found[0] == {"files": {"w.pth": file_hash(IMAGE / "w.pth")}}
    names = ("model/config.json", "model/parts/a")
    assert found[1] == {"files": {name: file_hash(TEXT / name) for name in names}}


def test_of_a_hub_there_is_nothing_to_note():
    assert check_location(None, TEXT, "k") is None
    write_hashes("text", "x", None)
    assert json.loads(Path("data/pretrained/text/x.json").read_text()) == {"files": {}}


@pytest.mark.parametrize(
    "place", ["elsewhere/model", "data/text_encoders/../../elsewhere/model", "data/text_encoders", "/tmp"]
)
def test_a_place_where_changes_go_unnoticed_is_refused(place):
    text = f"k: {place}: expected a place in data/text_encoders/, where changes are noticed"
    assert refusal(place) == text


def test_what_is_not_there_is_named():
    assert refusal("data/text_encoders/none") == "k: data/text_encoders/none: no such file or folder"


def test_links_to_files_are_followed():
    (TEXT / "links").mkdir()
    (TEXT / "links/a").symlink_to(Path("elsewhere/model/a").absolute())
    assert check_location(str(TEXT / "links"), TEXT, "k") == TEXT / "links"


@pytest.mark.parametrize(
    ("link", "target", "place"),
    [
        ("link", "elsewhere/model", "link"),
        ("link", "elsewhere", "link/model"),
        ("model/in", "elsewhere", "model"),
    ],
)
def test_a_link_to_a_folder_is_refused_since_dvc_does_not_look_through_it(link, target, place):
    (TEXT / link).symlink_to(Path(target).absolute())
    assert f"as cp -rs makes one ({TEXT / link} is a link to a folder)" in refusal(str(TEXT / place))
