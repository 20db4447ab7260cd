"""Whole studies of CXR-LT 2024 and 2026, on small synthetic releases in their public formats."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from workspace import Workspace, copy_repository, load, table

from cxrlt_core.label_space import read_label_space
from tests.cxrlt_core.sources.label_files import MIMIC_META, PADCHEST_HEADER, padchest_row, write

VARIANT, ENSEMBLE = "resnet50_bert_separate", "model_wise"
IN_2024, IN_2026 = (read_label_space(f"cxrlt{year}").classes for year in (2024, 2026))
NEVER = 1  # number of the class that no image has
RELEASE = Path("data/local/release")


def draw(path: Path, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(generator.integers(0, 255, (20, 18), np.uint8)).save(path)


def cells(classes: list[str], generator: np.random.Generator) -> dict[str, str]:
    """What a row has of each class: a fifth of them, or Normal alone."""
    normal = np.array(classes) == "Normal"
    found = (generator.random(len(classes)) < 0.2) & ~normal
    found[NEVER] = False
    found = found if found.any() and generator.random() < 0.8 else normal
    return dict(zip(classes, np.where(found, "1", "0"), strict=True))


def write_2024(folder: Path) -> None:
    """Write the files of task 1, two images a study; every second row has a blank for Kyphosis."""
    generator = np.random.default_rng(0)
    files = {"train_labeled": 30, "development_labeled_task1": 20, "test_labeled_task1": 20}
    for batch, (file, studies) in enumerate(files.items()):
        rows = []
        for number in range(2 * studies):
            patient, name = str(10_000_000 + 1000 * batch + number // 2), f"{batch}-{number}"
            path = f"files/p{patient[:2]}/p{patient}/s5{patient}/{name}.png"
            draw(folder / "images" / path, generator)
            marks = cells(IN_2024, generator) | ({} if number % 2 else {"Kyphosis": ""})
            view = ("PA", "XTABLE LATERAL", "AP AXIAL", "")[number % 4]
            rows.append(",".join([name, patient, f"5{patient}", view, "", path, *marks.values()]))
        write(folder / f"labels/{file}.csv", ",".join([MIMIC_META, *IN_2024]), *rows)


def write_2026(folder: Path) -> None:
    """Write the training file and what goes with it; patients of 39 digits differ in the last two."""
    generator, rows, views = np.random.default_rng(0), [], []
    for number in range(140):
        image = f"{number}_a.png"
        draw(folder / "images" / str(number % 3) / image, generator)
        marks = cells(IN_2026, generator).values()
        rows.append(",".join([image, "20140915", str(10**38 + number // 2), *marks]))
        views.append(padchest_row(image=image, view=("PA", "L")[number % 2]))
    header = ",".join(["ImageID", "StudyDate_DICOM", "PatientID", *IN_2026])
    write(folder / "labels/CXRLT_2026_training.csv", header, *rows)
    write(folder / "labels/Removal.csv", "ImageID", "0_a.png", "1_a.png", "2_a.png")
    write(folder / "labels/PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", PADCHEST_HEADER, *views)
    write(folder / "development.csv", "ImageID", "7_a.png", "139_a.png")


@pytest.fixture(scope="module")
def study(tmp_path_factory, quick) -> Workspace:
    """A copy of the repository with one variant; the label space and the source are still those of 2023."""
    workspace = copy_repository(tmp_path_factory.mktemp("releases"), "smoke.yaml", quick)
    workspace.keep(VARIANT)
    with workspace.params() as params:
        params["demo"] |= {"sources": [], "text_encoders": ["pubmedbert"]}
        del params["text_encoders"]["clinical_t5"], params["image_encoders"]["densenet121"]
        params["table1"] = [{"variant": VARIANT, "tta": False}]
        params["table2"] = [{"method": ENSEMBLE, "replenished": False}]
        params["data"] |= {"extra": [], "splits": {"dev": 0.3, "test": 0.3, "seed": 0}}
    return workspace


def run(study: Workspace, space: str, reader: str) -> list[str]:
    """Run the study on a release in place of another, and return the stages that ran."""
    with study.params() as params:
        [entry] = list(params["data"]["sources"].values())[:1]
        entry |= {"labels": f"{RELEASE}/{space}/labels", "images": f"{RELEASE}/{space}/images"}
        params["data"] |= {"label_space": space, "primary": reader, "sources": {reader: entry}}
    return study.repro()


def check_tables(study: Workspace, classes: list[str]) -> None:
    """All classes are everywhere, in their order; the one that nobody has has no score, and is in no mean."""
    for path in ("dev/{}", "tta/{}", "ensemble/{}"):
        name = path.format(ENSEMBLE if "ensemble" in path else VARIANT)
        predictions = table(study, f"predictions/{name}/0{'/test' if 'tta' in path else ''}.parquet")
        assert predictions.columns[3:].tolist() == classes and len(predictions) >= 20
        assert predictions[classes].stack().between(0, 1).all()
    assert load(study, "data/summary.json")["classes"] == classes
    page = (study.folder / "reports/data.md").read_text()
    rows = [line.split(" | ")[0].strip("| ") for line in page.split("| class |")[1].splitlines()]
    assert [name for name in rows if name in classes] == classes
    dev = load(study, f"metrics/dev/{VARIANT}.json")
    test = load(study, "metrics/ensemble.json")["rows"][ENSEMBLE]
    for scores, mean in ((dev, dev["mAP"]), (test, test["metrics"]["mAP"])):
        found = {name: one["AP"] for name, one in scores["classes"].items()}
        assert list(found) == classes and [n for n, ap in found.items() if ap is None] == [classes[NEVER]]
        assert scores["classes"][classes[NEVER]]["positive"] == 0
        assert mean == pytest.approx(np.mean([ap for ap in found.values() if ap is not None]), abs=5.1e-5)
    scored = pd.read_csv(study.folder / "reports/classes.csv").set_index("class")["AP"]
    assert sorted(scored.index) == sorted(classes)
    assert scored.index[scored.isna()].tolist() == [classes[NEVER]]


def submit(study: Workspace, challenge: str, listed: Path, space: str) -> pd.DataFrame:
    """Write a submission of the ensemble and return it, by image, every cell as it stands there."""
    words = ("--challenge", challenge, "--images", str(RELEASE / space / "images"), "--ensemble", ENSEMBLE)
    out = ("--out", "submission.csv", "--device", "cpu", "--threads", "1")
    done = study.run("python", "-m", "cxrlt", "submit", str(RELEASE / space / listed), *words, *out)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(study.folder / "submission.csv", dtype={0: str})


def test_a_study_of_2024_has_forty_classes_and_submits_to_either_task(study):
    write_2024(study.folder / RELEASE / "cxrlt2024")
    ran = run(study, "cxrlt2024", "mimic")
    assert {"harmonize@mimic", f"train@{VARIANT}", "ensemble", "report"} <= set(ran)
    check_tables(study, IN_2024)
    summary = load(study, "data/summary.json")
    for name, images in (("train_primary", 60), ("dev", 40), ("test", 40)):
        unknown = {c: one["unknown"] for c, one in summary["sets"][name]["classes"].items()}
        assert unknown == dict.fromkeys(IN_2024, 0) | {"Kyphosis": images // 2}
    assert load(study, f"metrics/dev/{VARIANT}.json")["classes"]["Kyphosis"]["known"] == 20
    views = summary["sources"]["mimic"]["views"]
    assert views == {"PA": 35, "LATERAL": 35, "AP": 35, "OTHER": 35, "FRONTAL": 0}
    listed = Path("labels/test_labeled_task1.csv")
    written = submit(study, "2024-2", listed, "cxrlt2024")
    assert list(written) == ["dicom_id", *read_label_space("cxrlt2024").groups["task2"]]
    assert written["dicom_id"].tolist() == [f"2-{number}" for number in range(40)]
    own = table(study, f"predictions/ensemble/{ENSEMBLE}/0.parquet")
    own.index = own["image_id"].str.extract(r"([^/]+)\.png$")[0]
    expected = own.loc[written["dicom_id"], list(written)[1:]]
    np.testing.assert_allclose(written.iloc[:, 1:], expected, atol=2e-6)


def test_a_study_of_2026_has_thirty_classes_and_knows_its_patients_by_all_their_digits(study):
    write_2026(study.folder / RELEASE / "cxrlt2026")
    ran = run(study, "cxrlt2026", "cxrlt2026")
    assert {"harmonize@cxrlt2026", f"train@{VARIANT}", "ensemble", "report"} <= set(ran)
    check_tables(study, IN_2026)
    sets = {name: table(study, f"data/sets/{name}.parquet") for name in ("train_primary", "dev", "test")}
    images = pd.concat(sets.values())
    patients = [set(data["patient_id"]) for data in sets.values()]
    assert sorted(set.union(*patients)) == [f"cxrlt2026/{10**38 + number}" for number in range(1, 70)]
    assert sum(map(len, patients)) == 69  # no patient is in two sets
    assert sorted(images["path"]) == sorted(f"{number}_a.png" for number in range(3, 140))
    assert (images[IN_2026] != -1).all(axis=None)
    source = load(study, "data/summary.json")["sources"]["cxrlt2026"]
    assert source["dropped"] == {"CXRLT_2026_training.csv: in Removal.csv": 3}
    assert {view: n for view, n in source["views"].items() if n} == {"PA": 68, "LATERAL": 69}
    written = submit(study, "2026-1", Path("development.csv"), "cxrlt2026")
    assert list(written) == ["ImageID", *IN_2026] and written["ImageID"].tolist() == ["7_a.png", "139_a.png"]
    assert written[IN_2026].stack().between(0, 1).all()
