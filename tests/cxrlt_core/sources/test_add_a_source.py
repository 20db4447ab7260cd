"""The example in docs/add-a-source.md works as it stands."""

import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from label_files import options, write

from cxrlt_core import sources
from cxrlt_core.sources import Harmonized
from cxrlt_core.system.errors import StudyError

PAGE = Path(__file__).parents[3] / "docs/add-a-source.md"


HEADER = "file,patient,accession,view,effusion,ptx,hernia"


@pytest.fixture
def hospital(monkeypatch):
    """Read labels with the page's reader, with its findings or others."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    reader = ModuleType("hospital")
    exec(code, reader.__dict__)
    monkeypatch.setattr(sources, "find_reader", lambda name: reader)

    def read(path: Path, **findings: str) -> Harmonized:
        reader.FINDINGS |= findings
        return sources.read_source("hospital", path, options(uncertain={"default": "one"}))

    return read


def test_the_documented_reader_reads(tmp_path, hospital):
    rows = ["2024/a.png,007,s1, pa,1,0,", "2024/b.dcm,8,s2,LATERAL,-1,,0", "2024/c.png,7 ,s2,AP,,,0"]
    found = hospital(write(tmp_path / "labels.csv", HEADER, *rows[:2]))
    assert found.table["image_id"].tolist() == ["hospital/2024/a.png", "hospital/2024/b.dcm"]
    assert found.table["Pleural Effusion"].tolist() == [1, 1]
    assert found.table["Pneumothorax"].tolist() == [0, -1]
    assert found.table["Hernia"].tolist() == [-1, 0]
    assert (found.table["Mass"] == -1).all()
    assert found.known == ("Hernia", "Pleural Effusion", "Pneumothorax")
    ids = hospital(write(tmp_path / "more.csv", HEADER, *rows)).table
    assert ids["patient_id"].tolist() == ["hospital/7", "hospital/8", "hospital/7"]
    assert ids["study_id"].tolist() == ["hospital/s1", "hospital/8/s2", "hospital/7/s2"]
    assert ids["view"].tolist() == ["PA", "LATERAL", "AP"]


def test_labels_of_no_class_are_left_out_and_named_and_of_one_twice_are_a_line(tmp_path, hospital):
    path = write(tmp_path / "labels.csv", HEADER, "a.png,7,s1,PA,1,0,", "b.png,7,s1,PA,0,0,")
    found = hospital(path, effusion="Scoliosis")
    assert found.unread == {"Scoliosis": 1} and found.known == ("Hernia", "Pneumothorax")
    assert hospital(path, effusion="effusion").known == ("Hernia", "Pleural Effusion", "Pneumothorax")
    with pytest.raises(StudyError, match=f"^{path}: its reader gives labels of 'Hernia' twice"):
        hospital(path, effusion="Hernia")


def test_a_record_of_nobody_is_a_line(tmp_path, hospital):
    path = write(tmp_path / "labels.csv", HEADER, "a.png,7,s1,PA,1,0,", "b.png,8, ,PA,1,0,")
    with pytest.raises(StudyError, match=f"^{path}: row 3: no study, expected the name of one$"):
        hospital(path)


@pytest.mark.parametrize("column", ["Effusion", "No finding"])
def test_a_table_of_the_readers_own_is_held_to_the_label_space(tmp_path, monkeypatch, hospital, column):
    """It would be cut to the classes without a word."""
    found = hospital(path := write(tmp_path / "labels.csv", HEADER, "a.png,7,s1,PA,1,0,"))
    own = replace(found, table=found.table.assign(**{column: 1}))
    monkeypatch.setattr(sources, "find_reader", lambda name: SimpleNamespace(read=lambda *_: own))
    with pytest.raises(StudyError, match=f"hospital.py: '{column}' is no class of the label space, did you"):
        hospital(path)
