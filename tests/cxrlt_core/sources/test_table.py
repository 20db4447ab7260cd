"""What every reader does, tried on the formats where it may happen; tests/bad_input has the bad files."""

import numpy as np
import pytest
from label_files import NIH_HEADER, nih_row, write

from cxrlt_core.sources import Options, read_source, table
from cxrlt_core.sources.table import BLANK, UNCERTAIN, read_label_file
from cxrlt_core.system.errors import StudyError


def test_marks(tmp_path):
    path = write(tmp_path / "a.csv", "x,y", "1,-1.0", "0.0,", "-1, 1 ", ",0")
    marks = read_label_file(path).marks(["y", "x"])
    assert list(marks) == ["y", "x"] and (marks.dtypes == np.int8).all()
    assert marks.to_numpy().tolist() == [[UNCERTAIN, 1], [BLANK, 0], [1, UNCERTAIN], [0, BLANK]]


@pytest.mark.parametrize("image", ["a..b.png", "..a.png", "a/.b.png", "a b.png"])
def test_path_that_stays(tmp_path, image):
    path = write(tmp_path / "a.csv", NIH_HEADER, nih_row(image))
    assert read_source("nih", path, Options()).table["path"].item() == image


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_more_text_than_any_release_has_is_refused_before_it_is_read(tmp_path, monkeypatch, name):
    path = write(tmp_path / name, NIH_HEADER, *(nih_row(f"{n}.png") for n in range(30_000)))
    assert len(read_source("nih", path, Options()).table) == 30_000
    monkeypatch.setattr(table, "SIZE", 1 << 20)
    for read in (table.read_label_file, table.read_lines):
        with pytest.raises(StudyError, match=rf"^{path}: more than 1 MiB of text, expected a label file$"):
            read(path)
