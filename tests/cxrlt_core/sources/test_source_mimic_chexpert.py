import numpy as np
import pytest
from label_files import options, write
from naive_reader import CHEXPERT_KNOWN, MIMIC_MEANINGS, MIMIC_VIEWS, assert_same, row_of, rows_of

from cxrlt_core.sources import read_source

NAMES = sorted(CHEXPERT_KNOWN)
META = "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate"
META += ",ViewCodeSequence_CodeMeaning"
STUDIES = 60


@pytest.fixture
def release(tmp_path):
    """A release of some patients with studies of one or two images; some studies have no labels."""
    rng = np.random.default_rng(0)
    views = rng.choice(["PA", "AP", "LATERAL", "LL", "AP AXIAL", ""], 2 * STUDIES)
    images = [(10_000_000 + i // 6, 50_000_000 + i // 2, f"{i:08x}-a", views[i]) for i in range(2 * STUDIES)]
    rows = [f"{d},{p},{s},CHEST,{v},3056,2544,21800506,postero-anterior" for p, s, d, v in images[:-1]]
    write(tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz", META, *rows)
    sets = ["train", "validate", "test"]
    rows = [f"{d},{s},{p},{sets[p % 3]}" for p, s, d, _ in images]
    write(tmp_path / "mimic-cxr-2.0.0-split.csv.gz", "dicom_id,study_id,subject_id,split", *rows)
    for name in ("chexpert", "negbio"):
        marks = rng.choice(["", "1.0", "0.0", "-1.0"], (STUDIES, 14), p=[0.7, 0.1, 0.1, 0.1])
        rows = [f"{10_000_000 + i // 3},{50_000_000 + i}," + ",".join(m) for i, m in enumerate(marks)]
        write(
            tmp_path / f"mimic-cxr-2.0.0-{name}.csv.gz", f"subject_id,study_id,{','.join(NAMES)}", *rows[5:]
        )
    names = [name.replace("Lung Opacity", "Airspace Opacity") for name in NAMES if name != "Pleural Other"]
    marks = rng.choice(["", "1", "0"], (4, 13), p=[0.2, 0.4, 0.4])
    rows = [f"{50_000_020 + i}," + ",".join(m) for i, m in enumerate(marks)]
    write(tmp_path / "mimic-cxr-2.1.0-test-set-labeled.csv", f"study_id,{','.join(names)}", *rows)
    return tmp_path


def naive(folder, name, blank=0):
    """Read a row at a time, each image with the labels of its study."""
    known = {row["study_id"]: row for row in rows_of(folder / name)}
    sets = {row["dicom_id"]: row["split"] for row in rows_of(folder / "mimic-cxr-2.0.0-split.csv.gz")}
    values = {"": blank, "1": 1, "0": 0, "1.0": 1, "0.0": 0, "-1.0": -1}
    for row in rows_of(folder / "mimic-cxr-2.0.0-metadata.csv.gz"):
        patient, study, marks = row["subject_id"], row["study_id"], known.get(row["study_id"], {})
        marks = {key.replace("Airspace", "Lung"): mark for key, mark in marks.items()}
        labels = {key: values[mark] for key, mark in marks.items() if key in NAMES}
        sick = [key for key in labels if labels[key] == 1 and key not in ("No Finding", "Support Devices")]
        if not any(marks.get(key) for key in NAMES) or (labels.get("No Finding") == 1 and sick):
            continue
        view, meaning = row["ViewPosition"], row["ViewCodeSequence_CodeMeaning"]
        split = {"validate": "dev"}.get(sets[row["dicom_id"]], sets[row["dicom_id"]])
        path = f"files/p{patient[:2]}/p{patient}/s{study}/{row['dicom_id']}.jpg"
        found = MIMIC_VIEWS[view] if view else MIMIC_MEANINGS[meaning]
        yield row_of("mimic_chexpert", path, patient, study, found, split, labels)


def read(folder, **own):
    return read_source("mimic_chexpert", folder, options(own=own))


@pytest.mark.parametrize(("labeller", "blank"), [("chexpert", 0), ("negbio", 0), ("chexpert", -1)])
def test_images_have_the_labeller_their_study_as_the_naive_reader_finds(release, labeller, blank):
    own = {"labeller": labeller, **({"blank": "unknown"} if blank else {})}
    found = read(release, **own)
    rows = list(naive(release, f"mimic-cxr-2.0.0-{labeller}.csv.gz", blank))
    assert_same(found.table, rows)
    metadata = "mimic-cxr-2.0.0-metadata.csv.gz"
    assert found.dropped[f"{metadata}: no label"] >= 10 and set(found.known) == set(NAMES)
    assert sum(found.dropped.values()) == 2 * STUDIES - 1 - len(rows)
    assert found.official == dict.fromkeys(("dev", "test"), "mimic-cxr-2.0.0-split.csv.gz")
    (release / "mimic-cxr-2.0.0-split.csv.gz").unlink()
    plain = read(release, **own)
    assert plain.table["split"].isna().all() and plain.official == {}


def test_a_radiologist_labelled_some_studies_of_the_test_set(release):
    found = read(release, labeller="radiologist")
    name = "mimic-cxr-2.1.0-test-set-labeled.csv"
    assert_same(found.table, naive(release, name))
    assert set(found.table["study_id"]) <= {f"mimic_chexpert/{50_000_020 + i}" for i in range(4)}
    assert "Lung Opacity" in found.known and "Pleural Other" not in found.known
    assert (found.table["Pleural Other"] == -1).all() and not found.unread
