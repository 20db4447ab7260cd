"""An external set as it is read and packed, who has seen it, and the rows of Table 2 as they are frozen."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.serving.ensemble_folder import EnsembleConfig, Member, write_ensemble
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, read_parquet, write_json, write_parquet
from stages import external_images
from stages.artifacts.external import open_external, read_external, read_frozen, trained_on
from tests.bad_input.params import SMOKE, with_changes
from tests.cxrlt_core.packing.pictures import draw

ENTRY = {"reader": "table", "labels": "a.csv", "images": "raw", "test_list": None, "uncertain": "ignore"}
ENTRY |= {"views": "all", "split": "test", "hospital": None, "human": True}
PLAIN, REPLENISHED = "resnet50_bert_shared", "resnet50_t5_mixup_replenished"


def study(**entry):
    changes = {"data.external": {"gold": ENTRY | entry}, "image.store": "arrays", "image.max_rejects": 0.5}
    changes["recipes"] = {"small": {"image": {"size": 16}}}
    variants = {**SMOKE["variants"], PLAIN: {**SMOKE["variants"][PLAIN], "recipe": "small"}}
    return parse_params(with_changes({**changes, "variants": variants}))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Five images of three patients, of which one is no test image and one is not there."""
    monkeypatch.chdir(tmp_path)
    rows = ["image,patient,split,Edema,Mass"]
    for number, split in enumerate(("test", "test", "train", "test", "test")):
        rows.append(f"{number}.png,p{number // 2},{split},{number % 2},")
        if number != 3:
            draw(Path(f"raw/{number}.png"), number)
    Path("a.csv").write_text("\n".join([*rows, ""]))
    return tmp_path


def test_the_part_that_is_asked_for_is_read_and_packed_in_every_size(folder):
    params = study()
    external_images.main(params, "gold")
    table = read_parquet("data/external/gold/set.parquet")
    assert table["image_id"].tolist() == ["gold/0.png", "gold/1.png", "gold/4.png"]
    assert table["Edema"].tolist() == [0, 1, 0] and (table["Mass"] == -1).all()
    counts = read_json("data/external/gold/counts.json")
    assert counts["dropped"] == {"not of test": 1} and counts["images"] == 4 and "Edema" in counts["known"]
    data = read_external("gold", ["Edema", "Mass"])
    assert data.targets.tolist() == [[0, -1], [1, -1], [0, -1]]
    for image in (params.image, params.recipes["small"].image):
        images = open_external(data, params, image)
        assert len(images) == 3 and images.size == image.size
        assert len({picture.tobytes() for picture in images}) == 3  # none twice, none black


def test_a_set_of_a_hospital_calls_its_patients_as_that_source_does(folder):
    external_images.main(study(hospital="mimic"), "gold")
    table = read_parquet("data/external/gold/set.parquet")
    assert table["patient_id"].tolist() == ["mimic/p0", "mimic/p0", "mimic/p2"]
    assert table["source"].unique().tolist() == ["gold"]  # whose array it is


def write_sets(**patients_and_digests: dict[str, list[str]]) -> None:
    """Write the sets that training and choices see: patients and digests of each."""
    for name in ("train_primary", "train_replenished", "dev"):
        columns = patients_and_digests.get(name, {})
        table = {key: pd.Series(columns.get(key, ["x"]), dtype="str") for key in ("patient_id", "digest")}
        write_parquet(f"data/sets/{name}.parquet", pd.DataFrame(table))


def test_a_row_is_struck_by_what_its_variants_have_seen_and_by_no_more(folder):
    external_images.main(study(hospital="mimic"), "gold")
    own = study(hospital="mimic")
    data = read_external("gold", ["Edema"])
    write_sets()
    assert trained_on(own, data) == {}  # of the own hospital, and yet not seen
    assert trained_on(study(hospital="nih"), data) == {REPLENISHED: "trained on nih"}
    write_sets(train_replenished={"digest": [data.table["digest"][1], "y"], "patient_id": ["a", "b"]})
    seen = "has seen 1 of its images, or their patients, in training or development"
    assert trained_on(study(), data) == {REPLENISHED: seen}
    write_sets(dev={"patient_id": ["mimic/p0"], "digest": ["z"]})  # two images of one patient
    found = trained_on(own, data)
    assert found == dict.fromkeys(own.variants, seen.replace("1 of", "2 of"))
    write_sets(dev={"patient_id": ["x"], "digest": ["shade 0"]})  # an image of one shade tells nothing
    data.table["digest"] = "shade 0"
    assert trained_on(own, data) == {}


def test_an_ensemble_is_read_as_it_was_chosen_and_with_other_models_it_is_a_line(folder):
    marks = {"model.safetensors": "f00d"}
    for name in "ab":
        write_json(f"data/trained/{name}.json", {"3": marks})
    members = [Member(f"../../../models/{name}/3", marks) for name in "ab"]
    weights = {"Mass": [0.25, 0.75], "Edema": [1.0, 0.0]}
    fits = {"temperature": 1.5, "thresholds": {"Edema": 0.5, "Mass": None}}
    config = EnsembleConfig(["Mass", "Edema"], members, weights, fits, {}, "none")
    write_ensemble("ensembles/row/3", config)
    frozen = read_frozen("row", 3, ["Edema", "Mass"])
    assert frozen.models == ["a", "b"] and frozen.weights.tolist() == [[1.0, 0.25], [0.0, 0.75]]
    assert frozen.calibration.temperature == 1.5 and frozen.calibration.thresholds[0] == 0.5
    assert np.isnan(frozen.calibration.thresholds[1])
    write_json("data/trained/b.json", {"3": {"model.safetensors": "beef"}})
    with pytest.raises(StudyError, match=r"^ensembles/row/3: not of the model models/b/3; run dvc repro$"):
        read_frozen("row", 3, ["Edema", "Mass"])


def test_the_classes_of_the_set_are_those_of_the_label_space(folder):
    external_images.main(study(), "gold")
    table = read_parquet("data/external/gold/set.parquet")
    assert [name for name in table if name in CLASSES] == list(CLASSES)
