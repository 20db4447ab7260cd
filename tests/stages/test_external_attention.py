"""Boxes that people drew: of which images they are, how often a model meets them, what depends on them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlt_core.label_space import read_label_space
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, write_json
from stages import attention, external_attention, external_images
from stages.artifacts.external import read_external
from stages.artifacts.looking import looking_files
from stages.artifacts.places import find_places
from stages.artifacts.sets import LabelledSet
from stages.artifacts.settings import settings_files
from tests.bad_input.params import SMOKE, with_changes
from tests.cxrlt_core.packing.pictures import write_dicom
from tests.stages.test_external_stages import write_sets

ENTRY = {"reader": "table", "labels": "a.csv", "images": "raw", "test_list": None, "uncertain": "ignore"}
ENTRY |= {"views": "all", "boxes": "boxes.csv"}
PATIENTS, SIZE = 12, SMOKE["image"]["size"]
CLASSES = ["Edema", "Mass"]


def study(**changes):
    shared = {"data.external": {"gold": ENTRY}, "image.store": "arrays"}
    return parse_params(with_changes({**shared, **changes}))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Images of twelve patients, 80 × 40, black but for a mass: left in half of them, right in others."""
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    labels, boxes = ["image,patient,Edema,Mass"], ["image,class,x,y,w,h"]
    for number in range(PATIENTS):
        left = 10 if number < PATIENTS // 2 else 60
        pixels = np.zeros((40, 80), np.uint8)
        pixels[10:20, left : left + 10] = 200 + number
        Image.fromarray(pixels).save(f"raw/{number}.png")
        labels.append(f"{number}.png,p{number},0,1")
        boxes.append(f"{number}.png,Mass,{left},10,10,10")
    Path("a.csv").write_text("\n".join([*labels, ""]))
    Path("boxes.csv").write_text("\n".join([*boxes, ""]))
    write_json("data/sets/classes.json", {name: {} for name in CLASSES})
    write_sets()
    return tmp_path


def add(*lines: str) -> None:
    with Path("boxes.csv").open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


class Brightest:
    """A model that looks where the light is: maps of eight by eight cells of packed images."""

    def __init__(self, monkeypatch) -> None:
        self.positions: list[int] = []
        monkeypatch.setattr(attention, "look", self.look)

    def look(self, params, images, positions) -> np.ndarray:
        self.positions = positions.tolist()
        light = images.gather(positions).numpy()[:, 0].astype(float)
        maps = light.reshape(len(positions), 8, SIZE // 8, 8, SIZE // 8).mean((2, 4))
        return np.repeat(maps[None, :, None], len(CLASSES), axis=2)


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
def test_who_looks_at_the_light_meets_the_boxes_of_an_external_set_however_it_is_packed(
    folder, monkeypatch, fit
):
    params, model = study(**{"image.fit": fit}), Brightest(monkeypatch)
    external_images.main(params, "gold")
    external_attention.main(params, "gold")
    found = read_json("metrics/attention/gold.json")
    if fit == "crop":  # which keeps the middle, where no mass is
        assert not found["classes"] and found["left_out"] == {"cut off by image.fit crop": PATIENTS}
        return
    assert model.positions == [*range(PATIENTS)] and found["grid"] == 8 and found["few"] == []
    game = found["classes"]["Mass"]
    assert game["hits"] == 1 and game["patients"] == game["boxes"] == PATIENTS and game["centre"] == 0
    assert game["chance"] < 0.2 and game["others"] < 0.5 and not found["left_out"]


def test_boxes_that_say_nothing_of_the_set_are_counted_and_readers_of_a_box_count_as_one_image(
    folder, capsys
):
    add("0.png,Mass,8,8,12,14", "0.png,mass,11,11,4,4", "0.png,Scoliosis,1,1,2,2")
    add("elsewhere.png,Mass,1,1,2,2", "1.png,Edema,1,1,2,2", "1.png,Hernia,1,1,2,2")
    params = study()
    external_images.main(params, "gold")
    capsys.readouterr()
    places = find_places(params, "gold", read_external("gold", CLASSES), params.image)
    assert places.left_out == {
        "of Scoliosis, no class of the study": 1,
        "of a class that the primary source does not know": 1,
        "of an image that is not in the set": 1,
        "of a finding that the label denies": 1,
    }
    assert places.table["position"].value_counts().to_dict() == {0: 3} | dict.fromkeys(range(1, PATIENTS), 1)
    said = capsys.readouterr().out
    assert said.startswith("gold: 14 boxes of findings in its images; left out: 1 of Scoliosis, no class")


def test_a_finding_that_most_readers_of_vindr_deny_has_no_box_and_sizes_are_those_of_the_dicom_files(folder):
    names = read_label_space("vindr").classes
    labels = [",".join(["image_id", "rad_id", *names])]
    for reader, seen in enumerate([{"Cardiomegaly", "ILD"}, {"Cardiomegaly"}, {"Consolidation"}]):
        labels.append(",".join(["a", f"R{reader}", *(str(int(name in seen)) for name in names)]))
    Path("vindr").mkdir()
    Path("vindr/image_labels_train.csv").write_text("\n".join([*labels, ""]))
    lines = ["image_id,rad_id,class_name,x_min,y_min,x_max,y_max", "a,R0,Cardiomegaly,40,10,80,30"]
    lines += ["a,R1,Cardiomegaly,40,10,90,40", "a,R2,Consolidation,1,1,9,9", "a,R0,ILD,1,1,9,9"]
    lines += ["b,R9,No finding,,,,"]
    Path("boxes.csv").write_text("\n".join([*lines, ""]))
    write_dicom(Path("raw/a.dicom"), np.arange(5000, dtype=np.uint16).reshape(50, 100))
    params = study(**{"data.external": {"gold": {**ENTRY, "reader": "vindr", "labels": "vindr"}}})
    external_images.main(params, "gold")
    data = read_external("gold", ["Cardiomegaly", "Consolidation"])
    places = find_places(params, "gold", data, params.image)
    assert places.left_out == {"of ILD, no class of the study": 1, "of a finding that the label denies": 1}
    edges = places.table[["left", "top", "right", "bottom"]].to_numpy()
    np.testing.assert_allclose(edges, [[0.4, 0.2, 0.8, 0.6], [0.4, 0.2, 0.9, 0.8]], rtol=1e-6)


def test_a_set_that_has_been_seen_says_so_and_one_without_boxes_says_nothing(folder, monkeypatch):
    params, model = study(), Brightest(monkeypatch)
    external_images.main(params, "gold")
    digest = read_external("gold", CLASSES).table["digest"][0]
    write_sets(dev={"patient_id": ["x"], "digest": [digest]})
    external_attention.main(params, "gold")
    found = read_json("metrics/attention/gold.json")
    said = "has seen 1 of its images, or their patients, in training or development"
    assert found["reason"] == f"{params.reweight.base} {said}" and not found["classes"]
    external_attention.main(study(**{"data.external": {"gold": ENTRY | {"boxes": None}}}), "gold")
    assert read_json("metrics/attention/gold.json") is None and not model.positions


def test_development_images_have_boxes_of_files_too(folder, monkeypatch):
    """Of two files, and of images whose size one of them tells: their files need not be there."""
    wide = ["image,class,x,y,w,h,width,height", "0.png,Mass,0,0,400,200,800,400"]
    Path("more.csv").write_text("\n".join([*wide, ""]))
    own = {"data.primary": "own", "data.extra": [], "demo.sources": [], "data.external": {}}
    variants = {n: {**v, "data": "primary"} for n, v in SMOKE["variants"].items()}
    source = {**ENTRY, "boxes": ["boxes.csv", "more.csv"]}
    rows = [row for row in SMOKE["table2"] if not row.get("replenished")]
    params = study(**own, **{"data.sources.own": source, "variants": variants, "table2": rows})
    data = read_labels()
    table = find_places(params, "own", data, params.image).table
    assert len(table) == PATIENTS + 1
    assert table.iloc[-1][["left", "top", "right", "bottom"]].tolist() == [0, 0, 0.5, 0.5]
    Path("raw/3.png").unlink()
    missing = r"^data\.sources\.own\.boxes: size of image 3\.png is not known, expected its file, or columns"
    with pytest.raises(StudyError, match=missing):
        find_places(params, "own", data, params.image)


def read_labels():
    """The labels as a development set."""
    table = pd.read_csv("a.csv").rename(columns={"image": "path", "patient": "patient_id"})
    return LabelledSet("dev", table, table[CLASSES].to_numpy(np.int8), CLASSES)


def settings(**changes) -> dict[str, str]:
    params = study(**changes)
    return {name: str(content) for name, content in looking_files(params, settings_files(params)).items()}


def test_an_edit_of_boxes_is_an_edit_of_where_the_model_looks_and_of_the_report(folder):
    def changed(before, after) -> set[str]:
        return {name for name in before | after if before.get(name) != after.get(name)}

    without = settings(**{"data.external": {"gold": {**ENTRY, "boxes": None}}})
    before = settings()
    assert changed(without, before) == {"params", "attention/gold"} and without["attention/gold"] == "{}"
    add("0.png,Mass,1,1,2,2")
    assert changed(before, settings()) == {"params", "attention/gold"}
    primary = settings(**{"data.sources.mimic.boxes": "boxes.csv"})
    assert changed(settings(), primary) == {"params", "attention"}


def test_boxes_that_have_changed_since_the_run_began_are_a_line(folder):
    params = study()
    external_images.main(params, "gold")
    add("0.png,Mass,1,1,2,2")
    with pytest.raises(
        StudyError, match=r"^data\.external\.gold\.boxes: boxes\.csv: absent, or changed since"
    ):
        find_places(params, "gold", read_external("gold", CLASSES), params.image)
