from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from cxrlt_core.boxes.files import EDGES, SIZE, read_boxes
from cxrlt_core.label_space import read_label_space

NIH = "Image Index,Finding Label,Bbox [x,y,w,h],,,"  # as NIH wrote it
VINDR = "image_id,rad_id,class_name,x_min,y_min,x_max,y_max"


@pytest.fixture
def read(tmp_path):
    """Boxes of a file of some lines, in a label space."""

    def reading(*lines: str, space: str = "cxrlt2023"):
        path = tmp_path / "boxes.csv"
        path.write_text("\n".join([*lines, ""]))
        return read_boxes(path, read_label_space(space))

    return reading


@pytest.mark.parametrize("header", [NIH, NIH.replace("Bbox [x,y,w,h]", '"Bbox [x,y,w,h]"'), NIH[:-3]])
def test_nih_has_left_top_width_and_height_of_squares_of_1024(read, header):
    end = "" if header == NIH[:-3] else ",,,"
    found = read(header, f"a.png,Infiltrate,10.5,20,30,40{end}", f"b.png,Effusion,0,0,1024,1{end}")
    assert found.table["path"].tolist() == ["a.png", "b.png"]
    assert found.table["class"].tolist() == ["Infiltration", "Pleural Effusion"]
    assert found.table[[*EDGES]].to_numpy().tolist() == [[10.5, 20, 40.5, 60], [0, 0, 1024, 1]]
    assert (found.table[[*SIZE]] == 1024).all(axis=None) and found.count == 2 and not found.unread


def test_vindr_has_corners_of_every_reader_and_rows_without_a_box(read):
    lines = [f"a,R{reader},Cardiomegaly,{reader},2,30,40" for reader in (1, 2, 3)]
    found = read(VINDR, *lines, "b,R1,No finding,,,,", "a,R1,Pulmonary fibrosis,1,1,2,2", "a,R2,ILD,1,1,2,2")
    assert found.table["path"].tolist() == ["a.dicom"] * 4
    assert found.table["class"].tolist() == ["Cardiomegaly"] * 3 + ["Fibrosis"]
    assert found.table[[*EDGES]].iloc[2].tolist() == [3, 2, 30, 40]
    assert found.table[[*SIZE]].isna().all(axis=None)
    assert found.count == 5 and found.unread == {"ILD": 1}
    told = read(VINDR + ",width,height", *(f"{line},50,60" for line in lines))
    assert np.unique(told.table[[*SIZE]], axis=0).tolist() == [[50, 60]]


def test_a_table_of_ones_own_names_classes_of_the_study_by_any_of_their_names(read):
    found = read("image,class,x,y,w,h", "c/1.png,effusion,1,2,3,4", "c/1.png,Scoliosis,1,2,3,4")
    assert found.table["class"].tolist() == ["Pleural Effusion"] and found.unread == {"Scoliosis": 1}
    normal = read("image,class,x,y,w,h", "1.png,No Finding,1,2,3,4")  # which is nowhere
    assert normal.table.empty and normal.unread == {"No Finding": 1}


def test_a_finding_is_a_class_where_the_label_space_says_that_it_makes_it_present(read, tmp_path):
    space = tmp_path / "mine.yaml"
    space.write_text(
        "classes: [Broken bone, Lump]\nrelations: {vindr: {Broken bone: {exact: [Clavicle fracture], "
        "narrower: [Rib fracture], use: [narrower]}, Lump: {near: [Nodule/Mass]}}}"
    )
    names = ("Clavicle fracture", "Rib fracture", "Nodule/Mass")
    found = read(VINDR, *(f"a,R1,{name},1,1,2,2" for name in names), space=str(space))
    assert found.table["class"].tolist() == ["Broken bone"] * 2 and found.unread == {"Nodule/Mass": 1}


REAL = find_spec("torchxrayvision")


@pytest.mark.skipif(REAL is None, reason="torchxrayvision, which has the files, is not installed")
def test_the_real_files_in_full():
    """The second is VinBigData's cut of the training set of VinDr-CXR, of the same columns."""
    folder = Path(REAL.submodule_search_locations[0]) / "data"
    nih = read_boxes(folder / "BBox_List_2017.csv.gz", read_label_space("cxrlt2023"))
    counts = {"Atelectasis": 180, "Pleural Effusion": 153, "Cardiomegaly": 146, "Infiltration": 123}
    counts |= {"Pneumonia": 120, "Pneumothorax": 98, "Mass": 85, "Nodule": 79}
    assert nih.table["class"].value_counts().to_dict() == counts and not nih.unread
    nih.check_inside(nih.table)
    vindr = read_boxes(folder / "vinbigdata-train.csv.gz", read_label_space("cxrlt2023"))
    assert (vindr.count, len(vindr.table)) == (36096, 19708)
    assert vindr.unread["Nodule/Mass"] == 2580 and "No finding" not in vindr.unread
