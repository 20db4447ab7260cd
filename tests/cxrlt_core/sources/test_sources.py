import pytest
from label_files import NIH_HEADER, nih_row, write

from cxrlt_core.errors import StudyError
from cxrlt_core.labels import CLASSES
from cxrlt_core.sources import READERS, image_folders, read_source


@pytest.mark.parametrize("call", [image_folders, lambda name: read_source(name, None, None, "ignore")])
def test_unknown_source(call):
    with pytest.raises(StudyError, match=r"data\.sources\.padchest: unknown source, expected mimic, nih, "):
        call("padchest")


@pytest.mark.parametrize("name", READERS)
def test_missing_label_file(tmp_path, name):
    path = tmp_path / "none.csv"
    with pytest.raises(StudyError) as caught:
        read_source(name, path, None, "ignore")
    assert str(caught.value) == f"data.sources.{name}.labels: {path}: no such file or folder"


def test_missing_test_list(tmp_path):
    labels = write(tmp_path / "a.csv", NIH_HEADER, nih_row())
    with pytest.raises(StudyError, match=r"^data\.sources\.nih\.test_list: .*none\.txt: no such file"):
        read_source("nih", labels, tmp_path / "none.txt", "ignore")


def test_image_folders():
    assert image_folders("mimic") == ("",)
    assert image_folders("nih") == ("", "images", "images_*/images", "images_*")
    assert image_folders("chexpert") == ("", "CheXpert-v1.0*")


@pytest.mark.parametrize("name", READERS)
def test_known_classes_are_in_label_order(name):
    known = READERS[name].KNOWN
    assert list(known) == [label for label in CLASSES if label in known]
    assert len(known) == {"mimic": 26, "nih": 15, "chexpert": 14}[name]
