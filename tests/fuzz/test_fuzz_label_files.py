"""Any label file gives a sound table or a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources import read_source
from cxrlt_core.sources.label_table import POLICIES, VIEWS
from tests.cxrlt_core.sources.label_files import (
    HEADERS,
    chexpert_row,
    mimic_row,
    nih_row,
    options,
    padchest_row,
)
from tests.fuzz.bounds import outcome
from tests.fuzz.mutations import changed_bytes, changed_tables

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # noise

FRONTAL = "CheXpert-v1.0-small/train/patient0000{}/study1/view1_frontal.jpg"
SOUND = {
    "nih": [nih_row("1.png"), nih_row("2.png", "Mass|Edema", "2"), nih_row("3.png", view="AP")],
    "chexpert": [
        chexpert_row(FRONTAL.format(1), Edema="1.0", Fracture="-1.0"),
        chexpert_row(FRONTAL.format(2), side="Lateral", projection="", Pneumonia="0.0"),
        chexpert_row(FRONTAL.format(3), No_Finding="1.0"),
    ],
    "mimic": [
        mimic_row("a"),
        mimic_row("b", view="", meaning="lateral", Edema="1"),
        mimic_row("c", view="AP", Mass="", Hernia="1.0"),
    ],
    "padchest": [
        padchest_row(image="1.png"),
        padchest_row("['pneumonia', 'pleural effusion']", "2.png", view="L"),
        padchest_row("['unchanged', 'cardiomegaly']", "3.png", study="10_1"),
    ],
}
FOUR = "Fracture,Pneumothorax,Airspace opacity,Nodule or mass"
VINDR, LATEST = (read_label_space(name).classes for name in ("vindr", "cxrlt2026"))
HEADERS = {
    **HEADERS,
    "vindr": ",".join(["image_id", "rad_id", *VINDR]),
    "cxrlt2026": ",".join(["ImageID", "StudyDate_DICOM", "PatientID", *LATEST]),
    "nih_expert": f"{HEADERS['nih']},{FOUR}",
}
SOUND |= {
    "vindr": [f"{image},R{n}" + ",0" * 27 + ",1" for image in "abc" for n in range(3)],
    "cxrlt2026": [f"{n}.png,20140915,{10**38 + n},1" + ",0" * 29 for n in range(3)],
    "nih_expert": [f"{row},YES,NO,NO,NO" for row in SOUND["nih"]],
}
OPTIONS = st.builds(
    options,
    uncertain=st.fixed_dictionaries(
        {"default": st.sampled_from([*POLICIES])}, optional={"Edema": st.sampled_from([*POLICIES])}
    ),
    views=st.sampled_from([*VIEWS]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("labels")


def sound(source):
    return "\n".join([HEADERS[source], *SOUND[source], ""])


def check(harmonized):
    table = harmonized.table
    assert len(table) and table["image_id"].is_unique
    assert table[list(CLASSES)].isin([-1, 0, 1]).all(axis=None)
    assert not table[["image_id", "patient_id", "study_id", "path"]].isna().any(axis=None)
    assert table["view"].isin(VIEWS["all"]).all()
    assert "sex" not in table or table["sex"].isin(["F", "M", ""]).all()
    assert "age" not in table or (table["age"].isna() | table["age"].between(0, 120)).all()
    assert not table["path"].str.contains(r"^/|(?:^|[/\\])\.\.(?:[/\\]|$)").any()


@pytest.mark.parametrize("source", SOUND)
@given(data=st.data(), options=OPTIONS)
def test_a_label_file_gives_a_table_or_a_line(folder, source, data, options):
    name, content = data.draw(changed_tables(sound(source)))
    path = folder / name
    path.write_bytes(content)
    harmonized = outcome(lambda: read_source(source, path, options), f"{path}: ")
    if harmonized:
        check(harmonized)


@given(content=changed_bytes(b"1.png\n3.png\n"))
def test_a_test_list_gives_a_table_or_a_line(folder, content):
    labels, listed = folder / "nih.csv", folder / "list.txt"
    labels.write_text(sound("nih"))
    listed.write_bytes(content)
    harmonized = outcome(lambda: read_source("nih", labels, options(test_list=listed)), f"{listed}: ")
    if harmonized:
        check(harmonized)
        assert set(harmonized.table["split"]) <= {"train", "test"}


def test_the_sound_files_are_read(folder):
    for source in SOUND:
        (folder / "sound.csv").write_text(sound(source))
        harmonized = read_source(source, folder / "sound.csv", options())
        check(harmonized)
        assert len(harmonized.table) == 3
