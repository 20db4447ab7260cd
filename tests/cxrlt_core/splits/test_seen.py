import pandas as pd
import pytest

from cxrlt_core.splits.seen import listed_images, read_list, seen_images
from cxrlt_core.system.errors import StudyError


def table(patients: list[str], pictures: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": patients, "picture": pd.Series(pictures, dtype="str")})


def test_an_image_is_seen_by_its_patient_or_its_pixels_in_any_set_and_nothing_equals_nothing():
    images = table(["p", "q", "r", "s"], ["a", "b", "c", None])
    known = [table(["x"], [None]), table(["q", "x"], ["z", "c"])]
    assert seen_images(images, known).tolist() == [False, True, True, False]
    assert not seen_images(images, []).any()


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["p1/s1/AB-1.dcm", "p9/s9/zz.dcm"], [True, False, False, False]),  # a path, of another ending
        (["ab-1", "AB-1", "view1_frontal"], [True, False, False, False]),  # a name that two images have
        (["p3/s1/view1_frontal.PNG"], [False, False, True, False]),
        (["elsewhere/00000001_000.png"], [False, False, False, True]),
        ([], [False] * 4),
    ],
)
def test_a_list_names_images_by_path_or_by_a_file_name_of_one(column, expected):
    paths = [
        "p1/s1/AB-1.jpg",
        "p2/s1/view1_frontal.jpg",
        "p3/s1/view1_frontal.jpg",
        "images/00000001_000.png",
    ]
    listed = pd.DataFrame({"age": ["41"] * len(column), "image": column}, dtype="str")
    assert listed_images(paths, listed).tolist() == expected


def test_the_column_that_names_most_is_taken(tmp_path):
    (tmp_path / "seen.csv").write_text("age,image\n1,2.png\n7,3.png\n")  # images are called 1 to 3
    assert listed_images(["1.png", "2.png", "3.png"], read_list(tmp_path / "seen.csv")).tolist() == [0, 1, 1]
    (tmp_path / "seen.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(StudyError, match=r"seen\.csv: not readable as CSV: 'utf-8' codec"):
        read_list(tmp_path / "seen.csv")
