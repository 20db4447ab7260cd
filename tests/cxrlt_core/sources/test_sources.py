from typing import get_args

import pytest
from label_files import NIH_HEADER, nih_row, write

from cxrlt_core.params.schema import Policy, Source
from cxrlt_core.sources import Options, chexpert, find_reader, nih, padchest, read_source, readers
from cxrlt_core.sources.table import POLICIES, VIEWS
from cxrlt_core.system.errors import StudyError


@pytest.mark.parametrize("name", ["vindr", "table", "../nih"])
@pytest.mark.parametrize("call", [find_reader, lambda name: read_source(name, None, Options())])
def test_unknown_source(call, name):
    with pytest.raises(StudyError) as caught:
        call(name)
    expected = "chexpert, mimic, nih, padchest"
    assert str(caught.value) == f"data.sources.{name}: unknown source, expected {expected}"


def test_options_know_the_policies_and_views_of_the_params():
    assert set(get_args(Policy)) == set(POLICIES)
    assert set(get_args(Source.model_fields["views"].annotation)) == set(VIEWS)


@pytest.mark.parametrize("name", readers())
def test_missing_label_file(tmp_path, name):
    path = tmp_path / "none.csv"
    with pytest.raises(StudyError) as caught:
        read_source(name, path, Options())
    assert str(caught.value) == f"data.sources.{name}.labels: {path}: no such file or folder"


def test_missing_test_list(tmp_path):
    labels = write(tmp_path / "a.csv", NIH_HEADER, nih_row())
    with pytest.raises(StudyError, match=r"^data\.sources\.nih\.test_list: .*none\.txt: no such file"):
        read_source("nih", labels, Options(tmp_path / "none.txt"))


def test_image_folders():
    assert find_reader("mimic").IMAGE_FOLDERS == ("",)
    assert find_reader("nih").IMAGE_FOLDERS == ("", "images", "images_*/images", "images_*")


def test_only_padchest_replenishes_five_rare_classes():
    rare = {"Calcification of the Aorta", "Pneumomediastinum", "Pneumoperitoneum"}
    rare |= {"Subcutaneous Emphysema", "Tortuous Aorta"}
    assert not rare & {*nih.KNOWN, *chexpert.KNOWN}
    assert rare <= set(padchest.RULES)
