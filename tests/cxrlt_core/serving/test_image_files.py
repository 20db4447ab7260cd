import os

import numpy as np
import pytest
from served import write_dicom, write_images

from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.serving.image_files import decoded, find_images
from cxrlt_core.system.errors import StudyError

CROP = Geometry(16, "crop")


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path / "a", 2)
    write_images(tmp_path / "b/.hidden", 1)
    write_dicom(tmp_path / "b/IM0001", np.zeros((4, 4), np.uint8))
    (tmp_path / "b/notes").write_text("no image")
    (tmp_path / "b/list.csv").write_text("no image")
    (tmp_path / "b/X.JPG").write_text("named like one")
    (tmp_path / "b/.1.png").write_text("hidden")
    return tmp_path


def names(images, folder):
    return [path.relative_to(folder).as_posix() for path in images]


def test_a_folder_gives_its_images_at_any_depth(folder):
    assert names(find_images([folder]), folder) == ["a/0.png", "a/1.png", "b/IM0001", "b/X.JPG"]


def test_files_and_patterns_come_once_and_in_their_order_and_a_name_may_look_like_one(folder):
    asked = [folder / "b/notes", f"{folder}/a/*.png", folder / "a/1.png", f"{folder}/**/IM*"]
    assert names(find_images(asked), folder) == ["b/notes", "a/0.png", "a/1.png", "b/IM0001"]
    path = (folder / "a/0.png").rename(folder / "image[1].png")
    assert find_images([path]) == [path]


def test_what_is_not_there_is_one_line(folder):
    with pytest.raises(StudyError, match="nothing: no such file or folder"):
        find_images([folder / "nothing"])
    with pytest.raises(StudyError, match=r"\*\.gif: no such file or folder"):
        find_images([folder / "*.gif"])
    (folder / "empty").mkdir()
    with pytest.raises(StudyError, match="empty: no PNG, JPEG or DICOM file in this folder"):
        find_images([folder / "empty"])


@pytest.mark.parametrize("threads", [1, 3])
def test_decodes_in_order_and_says_what_is_no_image(threads, folder):
    paths = [*write_images(folder / "many", 60), folder / "b/X.JPG", folder / "gone.png", folder / "a/0.png"]
    images = list(decoded(paths, CROP, threads))
    assert len(images) == 63 and str(images[60]) == "not a JPEG, PNG or DICOM image"
    assert isinstance(images[61], StudyError) and str(images[61]) == "file not found"
    for path, image in [*zip(paths[:60], images, strict=False), (paths[62], images[62])]:
        np.testing.assert_array_equal(image, decode(path, CROP))


def test_who_stops_early_leaves_no_thread_behind(folder):
    import threading

    images = decoded(write_images(folder / "many", 60), CROP, 2)
    next(images)
    images.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(folder):
    (folder / "a/0.png").chmod(0)
    assert str(next(decoded([folder / "a/0.png"], CROP, 1))) == "permission denied"
