import os

import pytest
from pictures import draw

from cxrlt_core.packing import files as packing_files
from cxrlt_core.packing.files import file_stamp, file_stamps, find_files
from cxrlt_core.system.errors import StudyError


def test_files_are_found_in_every_layout(tmp_path, monkeypatch):
    layout = ["a.png", "images_001/images/b.png", "images_002/images/c.png", "images_003/d.png"]
    for seed, path in enumerate([*layout, "images_002/images/a.png"]):
        draw(tmp_path / path, seed)
    listed, listdir = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: (listed.append(folder), listdir(folder))[1])
    folders = ("", "images", "images_*/images", "images_*")
    files = find_files(["a.png", "b.png", "c.png", "d.png", "e.png"] * 3, tmp_path, folders)
    assert files == [*(str(tmp_path / path) for path in layout), None] * 3
    assert len(listed) == len(set(listed))


def test_paths_with_folders_are_found_below_a_pattern(tmp_path):
    draw(tmp_path / "CheXpert-v1.0-small" / "train" / "patient1" / "view1.png", 0)
    inner = str(tmp_path / "CheXpert-v1.0-small/train/patient1/view1.png")
    for path in ("train/patient1/view1.png", "CheXpert-v1.0-small/train/patient1/view1.png"):
        assert find_files([path], tmp_path, ("", "CheXpert-v1.0*")) == [inner]


def test_one_folder_is_not_listed(tmp_path):
    assert find_files(["a/b.png"], tmp_path, ("",)) == [str(tmp_path / "a/b.png")]


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.png", "a/../../secret.png", ".."])
@pytest.mark.parametrize("folders", [("",), ("", "images_*")])
def test_path_may_not_leave_the_root(tmp_path, path, folders):
    draw(tmp_path / "secret.png", 0)
    with pytest.raises(StudyError, match=r"images: row 1: path '.*' leaves this folder"):
        find_files(["a..b/c.png", path], tmp_path / "images", folders)


def test_a_stamp_is_of_size_and_time(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    os.utime(file, ns=(1, 2_000_000_001))
    assert file_stamp(str(file)) == "5:2000000001"
    assert [file_stamp(name) for name in (None, str(tmp_path / "b"), "a\0b")] == [None] * 3


@pytest.mark.parametrize("count", [0, 1, 4, 9])
def test_stamps_come_in_the_order_of_the_files(tmp_path, monkeypatch, count):
    monkeypatch.setattr(packing_files, "FILES_AT_ONCE", 2)
    files = [str(tmp_path / str(number)) for number in range(count)]
    for number, file in enumerate(files):
        with open(file, "wb") as stream:
            stream.write(bytes(number))
    stamps = file_stamps([*files, None])
    assert stamps == [*map(file_stamp, files), None]
    assert [int(stamp.split(":")[0]) for stamp in stamps[:-1]] == list(range(count))
