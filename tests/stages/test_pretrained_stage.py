"""The stage pretrained: local weights are noted by content; tests/bad_input has where they may not lie."""

import pytest

from cxrlt_core.system.files import file_hash, read_json
from stages.pretrained import IMAGE, TEXT, check_location, write_hashes


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in (IMAGE / "w.pth", TEXT / "model/config.json", TEXT / "model/parts/a"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(file))


def test_every_file_is_noted_by_content_and_of_a_hub_nothing():
    for kind, path in (("image", IMAGE / "w.pth"), ("text", TEXT / "model")):
        write_hashes(kind, "x", check_location(str(path), path.parent, "k"))
    noted = [read_json(f"data/pretrained/{kind}/x.json") for kind in ("image", "text")]
    assert noted[0] == {"files": {"w.pth": file_hash(IMAGE / "w.pth")}}
    names = ("model/config.json", "model/parts/a")
    assert noted[1] == {"files": {name: file_hash(TEXT / name) for name in names}}
    assert check_location(None, TEXT, "k") is None
    write_hashes("text", "x", None)
    assert read_json("data/pretrained/text/x.json") == {"files": {}}


def test_links_to_files_are_followed():
    (TEXT / "links").mkdir()
    (TEXT / "links/a").symlink_to((TEXT / "model/parts/a").absolute())
    assert check_location(str(TEXT / "links"), TEXT, "k") == TEXT / "links"
