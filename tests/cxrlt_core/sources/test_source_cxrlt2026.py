import numpy as np
import pytest
from label_files import PADCHEST_HEADER, options, padchest_row, write
from naive_reader import rows_of

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources import find_reader, read_source
from cxrlt_core.sources.cxrlt2026 import read_list
from cxrlt_core.system.errors import StudyError

NAMES = read_label_space("cxrlt2026").classes
META = ["ImageID", "StudyDate_DICOM", "PatientID"]
HEADER = ",".join([*META, *NAMES])
PATIENT = "31357275043099734793250265430431987596"  # of 38 digits, as many of the release


def row(image, patient, day="20140915", *found):
    return ",".join([image, day, patient, *("1" if name in found else "0" for name in NAMES)])


@pytest.fixture
def release(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        row(f"{i}_a.png", f"{PATIENT}{i // 4}", str(20140915 + i // 2), *rng.choice(NAMES[1:], 3))
        for i in range(40)
    ]
    write(tmp_path / "CXRLT_2026_training.csv", HEADER, *rows)
    return tmp_path


def read(path):
    return read_source("cxrlt2026", path, options("cxrlt2026"))


def test_reads_every_row_as_the_naive_reader_does_but_those_taken_back(release):
    write(release / "Removal.csv.gz", "ImageID", "3_a.png", "7_a.png", "elsewhere.png")
    found = read(release)
    expected = [
        row
        for row in rows_of(release / "CXRLT_2026_training.csv")
        if row["ImageID"] not in ("3_a.png", "7_a.png")
    ]
    assert found.table["path"].tolist() == [row["ImageID"] for row in expected]
    assert found.table[NAMES].to_numpy().tolist() == [[int(row[n]) for n in NAMES] for row in expected]
    assert found.table["patient_id"].tolist() == [f"cxrlt2026/{row['PatientID']}" for row in expected]
    studies = [f"cxrlt2026/{row['PatientID']}/{row['StudyDate_DICOM']}" for row in expected]
    assert found.table["study_id"].tolist() == studies
    assert found.dropped == {"CXRLT_2026_training.csv: in Removal.csv": 2} and found.known == tuple(NAMES)
    assert found.table["patient_id"].nunique() == 10 and found.table["split"].isna().all()


def test_the_views_are_those_of_padchest_where_its_file_lies_beside(release):
    assert set(read(release).table["view"]) == {"OTHER"}
    views = {"0_a.png": "PA", "1_a.png": "L", "2_a.png": "AP_horizontal"}
    rows = [padchest_row(image=image, view=view) for image, view in views.items()]
    name = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
    write(release / f"{name}.gz", PADCHEST_HEADER, *rows)
    assert read(release).table["view"].tolist() == ["PA", "LATERAL", "AP"] + ["OTHER"] * 37
    assert find_reader("cxrlt2026").IMAGE_FOLDERS == find_reader("padchest").IMAGE_FOLDERS


def test_patients_that_a_spreadsheet_has_rounded_are_a_line(tmp_path):
    """Two patients would be one, and one in training and test at once."""
    path = write(tmp_path / "a.csv", HEADER, row("a.png", PATIENT), row("b.png", "3.1357275043099735e+37"))
    with pytest.raises(StudyError, match=r"a.csv: row 3: PatientID: expected a number, found '3.13572"):
        read(path)


def test_a_list_of_the_challenge_may_tell_studies_and_needs_no_labels(tmp_path):
    plain = read_list(write(tmp_path / "a.csv", "ImageID", "1.png", "2.png"))
    assert plain["id"].tolist() == plain["path"].tolist() == plain["study_id"].tolist() == ["1.png", "2.png"]
    rows = [f"{n}.png,20140915,{PATIENT}" for n in (1, 2)]
    told = read_list(write(tmp_path / "b.csv", ",".join(META), *rows))
    assert told["study_id"].tolist() == [f"{PATIENT}/20140915"] * 2
