import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.releases import CHEXPERT_CLASSES, NIH_FINDINGS, NIH_HEADER, UNCERTAIN, write_release
from cxrlt_core.params.schema import Demo, DemoImages
from stages import synthesize


def demo(seed: int = 3, **counts: int) -> Demo:
    images = DemoImages(**{"train": 120, "dev": 60, "test": 60, "extra": 300} | counts)
    return Demo(sources=[], text_encoders=[], seed=seed, size=32, images=images)


def written(root: Path, source: str, settings: Demo) -> Path:
    write_release(source, settings, root / "labels", root / "images", root / "places.parquet")
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def releases(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("releases")
    return {name: written(root / name, name, demo()) for name in ("mimic", "nih", "chexpert")}


def images_on_disk(root: Path) -> set[str]:
    folder = root / "images"
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_mimic_tables(releases):
    labels = releases["mimic"] / "labels"
    tables = {n: pd.read_csv(labels / f"{n}.csv") for n in ("train", "development", "test")}
    assert [len(table) for table in tables.values()] == [120, 60, 60]
    meta = ["dicom_id", "subject_id", "study_id", "ViewPosition", "ViewCodeSequence_CodeMeaning", "fpath"]
    for table in tables.values():
        assert list(table) == [*meta, *CLASSES]
        assert table[list(CLASSES)].isin([0, 1]).all(axis=None)
        assert (table[list(CLASSES)].sum() >= 1).all()
    everyone = pd.concat(tables.values())
    assert everyone["dicom_id"].is_unique
    assert everyone["dicom_id"].str.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}").all()
    assert set(everyone["ViewPosition"].dropna()) == {"PA", "AP", "LATERAL", "LL"}
    assert everyone["ViewPosition"].isna().any()
    subjects = [set(table["subject_id"]) for table in tables.values()]
    assert not (subjects[0] & subjects[1] or subjects[0] & subjects[2] or subjects[1] & subjects[2])
    subject, study = everyone["subject_id"].astype(str), everyone["study_id"].astype(str)
    expected = "files/p" + subject.str[:2] + "/p" + subject + "/s" + study + "/" + everyone["dicom_id"]
    assert (everyone["fpath"] == expected + ".jpg").all()
    assert set(everyone["fpath"]) == images_on_disk(releases["mimic"])
    with Image.open(releases["mimic"] / "images" / everyone["fpath"].iloc[0]) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (32, 32))


def test_nih_table_has_the_real_header_and_eleven_fields(releases):
    with (releases["nih"] / "labels/Data_Entry_2017_v2020.csv").open(newline="") as file:
        assert file.readline() == NIH_HEADER + "\n"
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {11}
    assert len(rows) == 300 + 30
    findings = [row[1].split("|") for row in rows]
    assert {name for row in findings for name in row} <= {*NIH_FINDINGS, "No Finding"}
    assert all(len(row) == 1 for row in findings if "No Finding" in row)
    assert any(row != sorted(row) for row in findings)
    assert {row[6] for row in rows} == {"PA", "AP"}
    for name, follow_up, patient in ((row[0], row[2], row[3]) for row in rows):
        assert int(name[:8]) == int(patient)
        assert int(name[9:12]) != int(follow_up)


def test_nih_lists_and_images(releases):
    labels = releases["nih"] / "labels"
    lists = [(labels / f"{n}_list.txt").read_text().split() for n in ("train_val", "test")]
    assert [len(names) for names in lists] == [300, 30]
    patients = [{name[:8] for name in names} for names in lists]
    assert not patients[0] & patients[1]
    files = images_on_disk(releases["nih"])
    assert {str(Path(f).parent) for f in files} == {"images_001/images", "images_002/images"}
    assert {Path(f).name for f in files} == {*lists[0], *lists[1]}
    modes = [Image.open(releases["nih"] / "images" / file).mode for file in files]
    assert 1 <= modes.count("RGBA") <= 5
    assert modes.count("L") == len(modes) - modes.count("RGBA")


def test_chexpert_tables(releases):
    labels = releases["chexpert"] / "labels"
    train, valid = (pd.read_csv(labels / f"{name}.csv") for name in ("train", "valid"))
    assert (len(train), len(valid)) == (300, 15)
    for table in (train, valid):
        assert list(table) == ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CHEXPERT_CLASSES]
        lateral = table["Frontal/Lateral"] == "Lateral"
        assert table["AP/PA"].isna().equals(lateral)
        assert table["Path"].str.endswith("lateral.jpg").equals(lateral)
    assert set(train["Path"]) | set(valid["Path"]) == images_on_disk(releases["chexpert"])
    pattern = r"CheXpert-v1\.0-small/train/patient\d{5}/study\d/view\d_(frontal|lateral)\.jpg"
    assert train["Path"].str.fullmatch(pattern).all()
    assert (train["Sex"] == "Unknown").sum() == 1
    train, valid = (table[list(CHEXPERT_CLASSES)] for table in (train, valid))
    values = train.to_numpy()
    assert set(values[~np.isnan(values)]) == {-1, 0, 1}
    assert train["No Finding"].dropna().eq(1).all()
    assert train.isna().all(axis=1).sum() >= 2
    doubtful = (train == -1).mean()
    assert doubtful["Pneumonia"] > 2 * doubtful["Support Devices"]
    assert doubtful[list(UNCERTAIN)].max() == doubtful.max()
    assert valid.isin([0, 1]).all(axis=None)


@pytest.mark.parametrize("source", ["mimic", "nih", "chexpert"])
def test_the_seed_decides_every_byte(source, tmp_path):
    few = {"train": 20, "dev": 5, "test": 5, "extra": 20}
    one, same = (contents(written(tmp_path / n, source, demo(1, **few))) for n in "ab")
    other = contents(written(tmp_path / "c", source, demo(2, **few)))
    assert one == same
    assert one != other
    smallest = written(tmp_path / "d", source, demo(train=1, dev=1, test=1, extra=1))
    assert len(images_on_disk(smallest)) == {"mimic": 3, "nih": 2, "chexpert": 2}[source]


def test_stage_replaces_what_an_earlier_run_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = SimpleNamespace(demo=demo(extra=10))
    synthesize.main(params, "nih")
    before = contents(tmp_path)
    (tmp_path / "data/raw/nih/images/images_001/images/stale.png").touch()
    synthesize.main(params, "nih")
    assert contents(tmp_path) == before
    assert "data/raw/nih/labels/Data_Entry_2017_v2020.csv" in before
