import numpy as np
import pytest
from label_files import options, write
from naive_reader import rows_of

from cxrlt_core.label_space import read_label_space
from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.packing.files import find_files
from cxrlt_core.sources import find_reader, read_source
from tests.cxrlt_core.packing import pictures

NAMES = read_label_space("vindr").classes
FINDINGS = NAMES[:-1]


def row(image, reader=None, *found):
    marks = ["1" if name in (found or ["No finding"]) else "0" for name in NAMES]
    return ",".join([image, *([reader] if reader else []), *marks])


def write_train(folder, rows, reader="rad_id"):
    header = ",".join(["image_id", reader, *NAMES]).replace("Other disease", "Other diseases")
    return write(folder / "image_labels_train.csv", header, *rows)


def write_test(folder, rows):
    return write(folder / "image_labels_test.csv", ",".join(["image_id", *NAMES]), *rows)


def read(path, space="vindr", uncertain="ignore", **own):
    return read_source("vindr", path, options(space, uncertain={"default": uncertain}, own=own))


def naive(path, positive):
    """Image to its labels: ``positive`` says how many of three readers make a finding."""
    votes = {}
    for cells in rows_of(path):
        votes.setdefault(cells["image_id"], []).append(cells)
    for image, readers in votes.items():
        sick = {
            name: sum(cells[f"{name}s" if name == "Other disease" else name] == "1" for cells in readers)
            for name in FINDINGS
        }
        labels = {name: int(count >= positive) for name, count in sick.items()}
        clean = sum(cells["No finding"] == "1" for cells in readers)
        yield image, labels | {"No finding": int(3 - clean < positive)}


def drawn_rows(images=300):
    rng = np.random.default_rng(0)
    for image in range(images):
        for reader in rng.permutation(17)[:3]:  # in any order, as the release has them
            found = rng.choice(FINDINGS, rng.integers(0, 4), replace=False, p=rng.dirichlet(np.ones(27)))
            yield row(f"{image:032x}", f"R{reader}", *found)


@pytest.mark.parametrize(("rule", "positive"), [("majority", 2), (0.3, 1), (1 / 3, 1), (2 / 3, 2), (1, 3)])
@pytest.mark.parametrize("reader", ["rad_id", "rad_ID"])
def test_three_readers_give_what_the_naive_reader_counts(tmp_path, rule, positive, reader):
    rows = list(drawn_rows())
    np.random.default_rng(1).shuffle(rows)
    path = write_train(tmp_path, rows, reader)
    found = read(path, readers=rule)
    expected = dict(naive(path, positive))
    assert found.table["path"].tolist() == [f"{image}.dicom" for image in expected]
    assert found.table[NAMES].to_numpy().tolist() == [
        [labels[name] for name in NAMES] for labels in expected.values()
    ]
    assert found.known == tuple(NAMES) and not found.dropped and not found.unread
    assert set(found.table["view"]) == {"PA"} and found.table["split"].isna().all()
    assert (found.table["patient_id"] == "vindr/" + found.table["path"]).all()


def test_what_readers_differ_on_is_uncertain_where_they_must_agree(tmp_path):
    rows = [row("a", "R1", "Edema", "COPD"), row("a", "R2", "Edema"), row("a", "R3", "Edema")]
    path = write_train(tmp_path, [*rows, row("b", "R1"), row("b", "R2"), row("b", "R3", "Edema")])
    for policy, label in (("ignore", -1), ("zero", 0), ("one", 1)):
        found = read(path, uncertain=policy, readers="unanimous")
        assert found.table[["COPD", "Edema", "ILD"]].iloc[0].tolist() == [label, 1, 0]
        assert found.uncertain == dict.fromkeys(NAMES, 0) | {"COPD": 1, "Edema": 1, "No finding": 1}
    two = write_train(tmp_path, [row("a", "R1", "Edema", "COPD"), row("a", "R2", "Edema")])
    assert read(two).table[["COPD", "Edema", "ILD"]].iloc[0].tolist() == [-1, 1, 0]


def test_the_test_set_is_a_consensus_and_official(tmp_path):
    write_train(tmp_path, [row("a", f"R{n}", "Edema") for n in range(3)])
    write_test(tmp_path, [row("b"), row("c", None, "Other disease")])
    for boxes in ("annotations_train.csv", "annotations_test.csv"):
        write(tmp_path / boxes, "image_id,class_name", "a,Edema")
    found = read(tmp_path)
    assert found.table["split"].tolist() == ["train", "test", "test"]
    assert found.table[["Edema", "Other disease", "No finding"]].to_numpy().tolist() == [
        [1, 0, 0],
        [0, 0, 1],
        [0, 1, 0],
    ]
    assert found.official == {"test": "image_labels_test.csv"}
    (tmp_path / "image_labels_train.csv").unlink()
    assert read(tmp_path).table["split"].tolist() == ["test", "test"]


def test_into_other_classes_only_what_is_the_same(tmp_path):
    path = write_test(
        tmp_path, [row("a", None, "Pulmonary fibrosis", "Rib fracture", "Nodule/Mass"), row("b")]
    )
    found = read(path, "cxrlt2023")
    labels = found.table.set_index("path")
    assert labels.loc["a.dicom", ["Fibrosis", "Fracture", "Nodule", "No Finding"]].tolist() == [1, -1, -1, 0]
    assert labels.loc["b.dicom", ["Fibrosis", "Pleural Effusion", "No Finding"]].tolist() == [0, 0, 1]
    assert {"Lung Opacity", "Hernia", "Mass"}.isdisjoint(found.known)
    assert found.related["Fracture"]["narrower"] == {"Clavicle fracture": 0, "Rib fracture": 1}


def test_its_dicom_files_are_found_and_shown_black_on_white_or_not(tmp_path):
    """MONOCHROME1 stores what is to be shown inverted."""
    ramp = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    for folder, image, pixels, kind in (
        ("train", "a", ramp, "MONOCHROME2"),
        ("test", "b", 4095 - ramp, "MONOCHROME1"),
    ):
        (tmp_path / folder).mkdir()
        pictures.write_dicom(tmp_path / folder / f"{image}.dicom", pixels, 12, PhotometricInterpretation=kind)
    write_train(tmp_path / "labels", [row("a", f"R{n}", "Edema") for n in range(3)])
    write_test(tmp_path / "labels", [row("b")])
    paths = read(tmp_path / "labels").table["path"].tolist()
    first, second = find_files(paths, tmp_path, find_reader("vindr").IMAGE_FOLDERS)
    shown = decode(first, Geometry(32, "squash"))
    assert np.array_equal(decode(second, Geometry(32, "squash")), shown) and np.ptp(shown) > 200
