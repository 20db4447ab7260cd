import pytest
from label_files import options, write

from cxrlt_core.sources import read_source


@pytest.fixture
def read(tmp_path):
    """Read lines as a table of two classes."""
    (tmp_path / "mine.yaml").write_text("classes: [Big heart, Wet lung]")

    def read(*lines, **changes):
        path = write(tmp_path / "labels.csv", *lines)
        return read_source("mine", path, options(str(tmp_path / "mine.yaml"), **changes), "table")

    return read


def test_image_patient_and_classes_suffice(read):
    found = read("Wet lung,image,Big heart,patient", "1,a/1.png,,P1", "0,a/2.png,1, p1", ",3.png,,P2")
    table = found.table
    assert table[["Big heart", "Wet lung"]].to_numpy().tolist() == [[-1, 1], [1, 0]]
    assert table["image_id"].tolist() == ["mine/a/1.png", "mine/a/2.png"]
    assert table["patient_id"].tolist() == ["mine/p1"] * 2 and table["study_id"].tolist() == [
        "mine/a/1.png",
        "mine/a/2.png",
    ]
    assert table["view"].tolist() == ["OTHER"] * 2 and table["split"].isna().all()
    assert found.dropped == {"labels.csv: no label": 1} and found.official == {} and found.unread == {}


def test_views_sets_and_studies_are_taken_where_they_are(read):
    header = "image,patient,study,view,split,Big heart,Wet lung"
    rows = ["1.png,1,s,pa,train,1,0", "2.png,1,s,,,0,0", "3.png,2,s,Lateral,TEST,1,0", "4.png,3,t,AP,dev,1,1"]
    found = read(header, *rows)
    assert found.table["view"].tolist() == ["PA", "OTHER", "LATERAL", "AP"]
    assert found.table["split"].fillna("–").tolist() == ["train", "–", "test", "dev"]
    assert found.table["study_id"].tolist() == ["mine/1/s", "mine/1/s", "mine/2/s", "mine/t"]
    assert found.official == {"dev": "labels.csv", "test": "labels.csv"}
    assert read(header, *rows, views="frontal").dropped["labels.csv: view OTHER"] == 1


def test_a_column_that_is_no_class_is_counted_and_a_class_without_a_column_is_unknown(read):
    found = read("image,patient,Age,Big heart,Pacemaker", "1.png,1,50,1,1", "2.png,1,60,0,0")
    assert found.unread == {"Age": 0, "Pacemaker": 1} and found.known == ("Big heart",)
    assert (found.table["Wet lung"] == -1).all()


def test_uncertain_marks_follow_their_policy(read):
    rows = ["image,patient,Big heart,Wet lung", "1.png,1,-1,-1"]
    found = read(*rows, uncertain={"default": "one", "Wet lung": "zero"})
    assert found.table[["Big heart", "Wet lung"]].iloc[0].tolist() == [1, 0]
    assert found.uncertain == {"Big heart": 1, "Wet lung": 1}


def test_sex_and_age_are_taken_where_they_are_and_without_any_there_are_no_such_columns(read):
    table = read(
        "image,patient,age,sex,Big heart", "1.png,1,050Y,f,1", "2.png,1,,,0", "3.png,2,0.5,Male,0"
    ).table
    assert table["sex"].tolist() == ["F", "", "M"] and table["age"].fillna(-1).tolist() == [50, -1, 0.5]
    assert list(table.columns[5:]) == ["split", "sex", "age", "Big heart", "Wet lung"]
    assert not {"sex", "age"} & set(read("image,patient,age,sex,Big heart", "1.png,1,,,1").table)
