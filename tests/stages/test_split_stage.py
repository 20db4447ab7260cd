"""The split stage on label tables and indexes of two sources, as harmonize and pack write them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, read_parquet, write_json, write_parquet
from stages import split
from tests.bad_input.params import SMOKE, with_changes

SETS = ("train_primary", "train_replenished", "dev", "test")
EDEMA, MASS = "Edema", "Mass"
PATIENTS = 60


def make_params(**data):
    """Return the smoke study on mimic and nih, with some keys of ``data`` changed."""
    changes = {"extra": ["nih"], "splits": {"dev": 0.2, "test": 0.3, "seed": 0}} | data
    return parse_params(with_changes({f"data.{key}": value for key, value in changes.items()}))


def write_source(
    source: str, known: list[str], official: list[str | None], **changes: dict[int, str]
) -> None:
    """Write two images a patient, the second without a row; ``changes`` maps a column's rows to values."""
    n = 2 * len(official)
    patients = np.repeat(np.arange(len(official)), 2)
    generator = np.random.default_rng(len(source))
    labels = pd.DataFrame(-1, range(n), CLASSES, np.int8)
    for name in known:
        labels[name] = (generator.random(n) < 0.4).astype(np.int8)
    text = {"path": [f"{source}-{i}.png" for i in range(n)], "digest": [f"{source}-{i}" for i in range(n)]}
    text |= {f"{key}_id": [f"{source}/{key[0]}{p}" for p in patients] for key in ("patient", "study")}
    text |= {"view": ["PA"] * n, "split": [official[p] for p in patients]}
    for column, values in changes.items():
        for row, value in values.items():
            text[column][row] = value
    table = pd.DataFrame(text)
    table["split"] = table["split"].astype("str")
    table.insert(0, "image_id", f"{source}/" + table["path"])
    digest = table.pop("digest").astype("str")
    write_parquet(f"data/labels/{source}.parquet", pd.concat([table, labels], axis=1))
    counts = {"images": n, "known": known, "official": {"dev": "development.csv"}, "unused": None}
    write_json(f"data/labels/{source}.json", counts)
    rejected = np.arange(n) == n - 1
    index = pd.DataFrame({"image_id": table["image_id"], "row": pd.array(np.arange(n), "Int64")})
    index["reason"] = pd.Series(None, range(n), "str").mask(rejected, "truncated")
    index["digest"] = digest.mask(rejected)
    index.loc[rejected, "row"] = pd.NA
    write_parquet(f"data/packed/{source}.parquet", index)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write both sources into a fresh folder; NIH's last two patients are its official test set."""
    monkeypatch.chdir(tmp_path)

    def both(mimic: dict | None = None, nih: dict | None = None) -> None:
        write_source("mimic", [EDEMA, MASS], [None] * PATIENTS, **(mimic or {}))
        write_source("nih", [EDEMA, "Hernia"], ["train"] * 8 + ["test"] * 2, **(nih or {}))

    return both


def images(name: str) -> list[str]:
    return read_parquet(f"data/sets/{name}.parquet")["image_id"].tolist()


def row_of(image: str) -> int:
    return int(Path(image).stem.partition("-")[2])


def an_image_of(name: str) -> int:
    """Cut the sets, and return the row of an image of the primary source that is in one of them."""
    split.main(make_params())
    return row_of(images(name)[0])


def test_writes_disjoint_sets_with_the_columns_that_training_reads(write):
    write(mimic={"digest": dict.fromkeys(range(0, 2 * PATIENTS - 1, 3), "shade 0")})  # tell nothing, are used
    split.main(make_params())
    sets = {name: read_parquet(f"data/sets/{name}.parquet") for name in SETS}
    text = ["image_id", "path", "patient_id", "study_id", "view", "split", "row", "digest", "source"]
    for name, table in sets.items():
        assert table.columns.tolist() == [*text, EDEMA, MASS], name
        assert table["row"].tolist() == [row_of(image) for image in table["image_id"]]
        index = pd.concat([read_parquet(f"data/packed/{s}.parquet") for s in ("mimic", "nih")])
        digests = index.set_index("image_id")["digest"].loc[table["image_id"]]
        assert table["digest"].equals(digests.reset_index(drop=True))
    own = pd.concat([sets["train_primary"], sets["dev"], sets["test"]])
    assert sorted(map(row_of, own["image_id"])) == list(range(2 * PATIENTS - 1))  # all but the rejected one
    assert own.groupby("patient_id")["image_id"].count().max() == 2
    patients = [set(sets[name]["patient_id"]) for name in ("train_primary", "dev", "test")]
    assert sum(map(len, patients)) == len(set.union(*patients)) == PATIENTS
    replenished = sets["train_replenished"]
    added = [f"nih/nih-{i}.png" for i in range(16)]
    assert replenished["image_id"].tolist() == [*sets["train_primary"]["image_id"], *added]
    assert set(replenished.loc[replenished["source"] == "nih", MASS]) == {-1}


def test_the_summary_counts_what_was_checked(write):
    write(mimic={"digest": {0: "same", 1: "same"}})
    split.main(make_params())
    summary = read_json("data/summary.json")
    assert list(summary) == ["classes", "splits", "sources", "sets", "not_replenished", "leaks", "repeats"]
    assert summary["classes"] == [EDEMA, MASS] and summary["not_replenished"] == [MASS]
    counted = {name: entry["images"] for name, entry in summary["sets"].items()}
    assert counted == {name: len(images(name)) for name in SETS}
    splits = {"dev": "official: development.csv", "test": "carved by patient, 0.3 of them"}
    assert summary["splits"] == splits
    mimic = {"official": {"dev": "development.csv"}, "unused": None, "images": 2 * PATIENTS}
    mimic |= {"known": [EDEMA, MASS], "rejected_images": {"truncated": 1}, "held_out": 0}
    assert summary["sources"]["mimic"] == mimic
    assert summary["sources"]["nih"]["held_out"] == 3  # of four, one is rejected
    assert len(summary["leaks"]) == 9
    assert all((leak["images"], leak["dropped"]) == (0, 0) for leak in summary["leaks"])
    repeats = summary["repeats"]
    assert list(repeats) == ["train", "dev", "test"]
    assert sorted(entry["images"] for entry in repeats.values()) == [0, 0, 1]
    train = read_parquet("data/sets/train_primary.parquet")
    edema = {"group": "head", "prevalence": pytest.approx((train[EDEMA] == 1).mean())}
    assert read_json("data/sets/classes.json")[EDEMA] == edema
    assert read_json("weights/uniform.json")["weights"] == {EDEMA: 1.0, MASS: 1.0}


def test_sets_are_the_same_where_a_source_tells_sex_and_age(write):
    """So nothing that trains on them is due."""
    write()
    split.main(make_params())
    before = {path.name: path.read_bytes() for path in Path("data/sets").iterdir()}
    for source in ("mimic", "nih"):
        labels = read_parquet(f"data/labels/{source}.parquet")
        labels.insert(6, "sex", "F")
        labels.insert(7, "age", 50.0)
        write_parquet(f"data/labels/{source}.parquet", labels)
    split.main(make_params())
    assert {path.name: path.read_bytes() for path in Path("data/sets").iterdir()} == before


@pytest.mark.parametrize(
    ("column", "kind", "says", "image"),
    [("path", "path", "the relative path", "mimic-{}.png"), ("digest", "pixels", "the pixels", "nih-3.png")],
)
def test_a_test_image_in_the_replenishment_stops_the_study(write, column, kind, says, image):
    write()
    row = an_image_of("test")
    write(nih={column: {3: f"mimic-{row}.png" if column == "path" else f"mimic-{row}"}})
    before = images("test")
    line = f"data.leaks: 1 images of train have {says} of an image in test, for example "
    with pytest.raises(StudyError, match=f"^{line}nih/{image.format(row)} and mimic/mimic-{row}.png: "):
        split.main(make_params())
    split.main(make_params(leaks="drop"))
    assert images("test") == before
    kept = [f"nih/nih-{i}.png" for i in range(16) if i != 3]
    assert [i for i in images("train_replenished") if i.startswith("nih/")] == kept
    leaks = [leak for leak in read_json("data/summary.json")["leaks"] if leak["images"]]
    assert leaks == [{"kind": kind, "set": "train", "in": "test", "images": 1, "dropped": 1}]


def test_what_the_primary_source_leaks_leaves_all_other_sets_which_may_not_be_empty(write):
    write()
    row, twin = an_image_of("dev"), row_of(images("train_primary")[0])
    write(mimic={"digest": {row: "same", twin: "same"}})
    with pytest.raises(StudyError, match="1 images of train have the pixels of an image in dev"):
        split.main(make_params())
    split.main(make_params(leaks="drop"))
    assert f"mimic/mimic-{row}.png" in images("dev")
    assert f"mimic/mimic-{twin}.png" not in images("train_primary") + images("train_replenished")
    write(mimic={"split": {0: "test", 1: "train", 2: "test", 3: "test"}})
    with pytest.raises(StudyError, match="1 images of train are of patients who are also in test, for "):
        split.main(make_params())
    split.main(make_params(leaks="drop"))
    assert images("test") == [f"mimic/mimic-{i}.png" for i in (0, 2, 3)]
    assert "mimic/mimic-1.png" not in images("train_primary") + images("dev")
    write(mimic={"split": {0: "test", 1: "test", 2: "dev", 3: "train"}, "digest": {0: "same", 2: "same"}})
    with pytest.raises(StudyError, match=r"^the dev set is empty: check data\.splits, data\.leaks"):
        split.main(make_params(leaks="drop"))


def test_without_replenishment_nothing_is_replenished_and_without_labels_there_is_no_study(write):
    write()
    primary = {f"variants.{name}.data": "primary" for name in SMOKE["variants"]}
    changes = {"data.extra": [], "table2": SMOKE["table2"][:1], **primary}
    split.main(parse_params(with_changes(changes)))
    summary = read_json("data/summary.json")
    assert list(summary["sources"]) == ["mimic"] and summary["not_replenished"] == [EDEMA, MASS]
    assert images("train_replenished") == images("train_primary")
    write_source("mimic", [], [None] * 4)
    with pytest.raises(StudyError, match=r"^data\.primary: no label of 'mimic' is known$"):
        split.main(make_params())
