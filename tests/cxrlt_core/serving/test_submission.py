import csv
import io
import zipfile

import numpy as np
import pytest

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.serving.submission import CHALLENGES, submission, write_submission
from cxrlt_core.system.errors import StudyError

IDS = ["02aa804e-bde0afdd", "174413ec-4ec4c1f7"]


def naive(text):
    """Read a submission without pandas: dicom id to its 26 probabilities."""
    header, *rows = csv.reader(io.StringIO(text))
    assert header == ["dicom_id", *CLASSES]
    return {row[0]: [float(cell) for cell in row[1:]] for row in rows}


def test_a_naive_reader_finds_every_probability(tmp_path):
    shuffled = list(CLASSES[::-1])
    probabilities = np.random.default_rng(0).random((2, 26)).astype(np.float32)
    write_submission(tmp_path / "s.csv", submission(IDS, shuffled, probabilities))
    written = naive((tmp_path / "s.csv").read_text())
    assert list(written) == IDS
    for row, name in enumerate(IDS):
        np.testing.assert_allclose(written[name], probabilities[row, ::-1], rtol=1e-5)


def test_the_zip_holds_the_same_and_its_bytes_repeat(tmp_path):
    table = submission(IDS, CLASSES, np.full((2, 26), 0.25))
    for name in ("s.csv", "s.zip", "again.zip"):
        write_submission(tmp_path / name, table)
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert archive.namelist() == ["submission.csv"]
        assert archive.read("submission.csv") == (tmp_path / "s.csv").read_bytes()
    assert (tmp_path / "s.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_all_classes_of_the_challenge_are_needed_and_an_image_once():
    with pytest.raises(StudyError, match="knows 25 classes; the challenge has also Tortuous Aorta"):
        submission(IDS, CLASSES[:-1], np.zeros((2, 25)))
    with pytest.raises(StudyError, match="dicom_id 02aa804e-bde0afdd is there twice"):
        submission([IDS[0], IDS[1], IDS[0]], CLASSES, np.zeros((3, 26)))


@pytest.mark.parametrize(
    ("challenge", "columns", "at", "pair"),
    [
        ("2024-1", 40, 23, ["Nodule", "Normal"]),
        ("2024-2", 26, 14, ["Normal", "Nodule"]),
        ("2024-3", 5, 0, ["Bulla", "Cardiomyopathy"]),
        ("2026-1", 30, 0, ["Normal", "aortic elongation"]),
        ("2026-2", 6, 0, ["Scoliosis", "Osteopenia"]),
    ],
)
def test_later_challenges_have_columns_of_their_own(tmp_path, challenge, columns, at, pair):
    classes = CHALLENGES[challenge].classes
    assert len(classes) == columns and classes[at : at + 2] == pair
    known = sorted([*classes, "Something else"])
    probabilities = np.random.default_rng(0).random((2, len(known)))
    write_submission(tmp_path / "s.csv", submission(IDS, known, probabilities, challenge))
    header, *rows = csv.reader(io.StringIO((tmp_path / "s.csv").read_text()))
    assert header == ["ImageID" if "2026" in challenge else "dicom_id", *classes]
    for number, row in enumerate(rows):
        found = dict(zip(header[1:], map(float, row[1:]), strict=True))
        expected = dict(zip(known, probabilities[number], strict=True))
        assert all(found[name] == pytest.approx(expected[name], rel=1e-5) for name in classes)


def test_a_model_of_2023_is_none_of_2024():
    """Normal is not No Finding."""
    with pytest.raises(StudyError, match=r"knows 26 classes; the challenge has also Normal$"):
        submission(IDS, CLASSES, np.zeros((2, 26)), "2024-2")
