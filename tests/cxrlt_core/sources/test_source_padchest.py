import time

import numpy as np
import pytest
from label_files import PADCHEST_HEADER, padchest_row, write
from naive_reader import assert_same, read_padchest

from cxrlt_core.labels import CLASSES
from cxrlt_core.packing.files import find_files
from cxrlt_core.sources import Options, find_reader, read_source
from cxrlt_core.sources.padchest import IMAGE_FOLDERS, INCOMPLETE, KNOWN, RULES
from cxrlt_core.system.errors import StudyError

#: Every finding and differential diagnosis of the release (Bustos et al. 2020).
VOCABULARY = """COPD signs, Chilaiditi sign, NSG tube, abnormal foreign body, abscess, adenopathy,
air bronchogram, air fluid level, air trapping, alveolar pattern, aortic aneurysm, aortic atheromatosis,
aortic button enlargement, aortic elongation, aortic endoprosthesis, apical pleural thickening,
artificial aortic heart valve, artificial heart valve, artificial mitral heart valve, asbestosis signs,
ascendent aortic elongation, atelectasis, atelectasis basal, atypical pneumonia, axial hyperostosis,
azygoesophageal recess shift, azygos lobe, blastic bone lesion, bone cement, bone metastasis, breast mass,
bronchiectasis, bronchovascular markings, bullas, calcified adenopathy, calcified densities,
calcified fibroadenoma, calcified granuloma, calcified mediastinal adenopathy, calcified pleural plaques,
calcified pleural thickening, callus rib fracture, cardiomegaly, catheter, cavitation,
central vascular redistribution, central venous catheter, central venous catheter via jugular vein,
central venous catheter via subclavian vein, central venous catheter via umbilical vein, cervical rib,
chest drain tube, chronic changes, clavicle fracture, consolidation, costochondral junction hypertrophy,
costophrenic angle blunting, cyst, dai, descendent aortic elongation, dextrocardia,
diaphragmatic eventration, double J stent, dual chamber device, electrical device, emphysema, empyema,
end on vessel, endoprosthesis, endotracheal tube, esophagic dilatation, exclude, external foreign body,
fibrotic band, fissure thickening, flattened diaphragm, fracture, gastrostomy tube, goiter, granuloma,
ground glass pattern, gynecomastia, heart insufficiency, heart valve calcified, hemidiaphragm elevation,
hiatal hernia, hilar congestion, hilar enlargement, humeral fracture, humeral prosthesis,
hydropneumothorax, hyperinflated lung, hypoexpansion, hypoexpansion basal, increased density, infiltrates,
interstitial pattern, kerley lines, kyphosis, laminar atelectasis, lepidic adenocarcinoma, lipomatosis,
lobar atelectasis, loculated fissural effusion, loculated pleural effusion, lung metastasis,
lung vascular paucity, lymphangitis carcinomatosa, lytic bone lesion, major fissure thickening,
mammary prosthesis, mass, mastectomy, mediastinal enlargement, mediastinal mass, mediastinal shift,
mediastinic lipomatosis, metal, miliary opacities, minor fissure thickening, multiple nodules,
nephrostomy tube, nipple shadow, nodule, non axial articular degenerative changes, normal, obesity,
osteopenia, osteoporosis, osteosynthesis material, pacemaker, pectum carinatum, pectum excavatum,
pericardial effusion, pleural effusion, pleural mass, pleural plaques, pleural thickening,
pneumomediastinum, pneumonia, pneumoperitoneo, pneumothorax, post radiotherapy changes, prosthesis,
pseudonodule, pulmonary artery enlargement, pulmonary artery hypertension, pulmonary edema,
pulmonary fibrosis, pulmonary hypertension, pulmonary mass, pulmonary venous hypertension,
reservoir central venous catheter, respiratory distress, reticular interstitial pattern,
reticulonodular interstitial pattern, rib fracture, right sided aortic arch, round atelectasis,
sclerotic bone lesion, scoliosis, segmental atelectasis, single chamber device, soft tissue mass,
sternoclavicular junction hypertrophy, sternotomy, subacromial space narrowing, subcutaneous emphysema,
suboptimal study, superior mediastinal enlargement, supra aortic elongation, surgery, surgery breast,
surgery heart, surgery humeral, surgery lung, surgery neck, suture material, thoracic cage deformation,
total atelectasis, tracheal shift, tracheostomy tube, tuberculosis, tuberculosis sequelae, unchanged,
vascular hilar enlargement, vascular redistribution, ventriculoperitoneal drain tube,
vertebral anterior compression, vertebral compression, vertebral degenerative changes,
vertebral fracture, volume loss"""
FINDINGS = [" ".join(name.split()) for name in VOCABULARY.split(",")]

LISTS = [
    "['normal']",
    "['aortic elongation', ' descendent aortic elongation', 'scoliosis']",  # two findings of one class
    "['hydropneumothorax']",  # one finding of two classes
    "[ ' pleural effusion ','NSG tube' ]",
    "['', 'cardiomegaly']",
    "['unchanged', 'pneumonia']",
    "['unchanged']",
    "['suboptimal study', 'exclude']",
    "['']",
    "[]",
    "nan",
    "",
    "['pacemaker', 'normal']",
    "['normal', 'pneumothorax']",
    "['normal', 'kyphosis']",
    "['normal', 'suboptimal study']",
    "['costophrenic angle blunting', 'COPD signs']",
    "['kyphosis']",
]
VIEWS = ["PA", "L", "AP", "AP_horizontal", "COSTAL", "EXCLUDE", "UNK"]
ROWS = [
    padchest_row(labels, f"{i}_a.png", str(i // 3), f"{i // 2}_2", VIEWS[i % 7], "['C0034069'\n 'C0742362']")
    for i, labels in enumerate(LISTS)
]


def read(path, views="all"):
    return read_source("padchest", path, Options(views=views))


@pytest.fixture
def labels_of(tmp_path):
    """Read one list of findings and return the labels that are known, class to 0 or 1."""

    def labels_of(*findings):
        normal = padchest_row(image="normal.png")
        path = write(tmp_path / "a.csv", PADCHEST_HEADER, padchest_row(f"{list(findings)}"), normal)
        labels = read(path).table[list(CLASSES)].iloc[0]
        return labels[labels != -1].to_dict()

    return labels_of


def positive(labels):
    return {name for name, label in labels.items() if label == 1}


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_reads_every_row_as_the_naive_reader_does(tmp_path, name):
    path = write(tmp_path / name, PADCHEST_HEADER, *ROWS)
    found = read(path)
    assert_same(found.table, read_padchest(path))
    assert found.dropped == {f"{name}: no label": 7}
    assert found.known == KNOWN
    assert found.uncertain == dict.fromkeys(KNOWN, 0)


def test_known_classes():
    assert set(CLASSES) - set(KNOWN) == {"Lung Lesion", "Pleural Other"}


def test_rules_name_findings_of_padchest_once_each():
    assert len(set(FINDINGS)) == len(FINDINGS) == 193
    assert set(INCOMPLETE) <= {*FINDINGS, ""}
    for name, rule in RULES.items():
        names = rule.positive + rule.unknown
        assert set(names) <= set(FINDINGS), name
        assert len(set(names)) == len(names), name


@pytest.mark.parametrize(
    ("finding", "classes"),
    [
        ("atelectasis", {"Atelectasis"}),
        ("laminar atelectasis", {"Atelectasis"}),
        ("aortic atheromatosis", {"Calcification of the Aorta"}),
        ("heart valve calcified", set()),
        ("cardiomegaly", {"Cardiomegaly"}),
        ("consolidation", {"Consolidation"}),
        ("pulmonary edema", {"Edema"}),
        ("emphysema", {"Emphysema"}),
        ("superior mediastinal enlargement", {"Enlarged Cardiomediastinum"}),
        ("pulmonary fibrosis", {"Fibrosis"}),
        ("callus rib fracture", {"Fracture"}),
        ("hiatal hernia", {"Hernia"}),
        ("infiltrates", {"Infiltration"}),
        ("ground glass pattern", {"Infiltration"}),
        ("increased density", {"Lung Opacity"}),
        ("pulmonary mass", {"Mass"}),
        ("normal", {"No Finding"}),
        ("multiple nodules", {"Nodule"}),
        ("empyema", {"Pleural Effusion"}),
        ("pericardial effusion", set()),
        ("apical pleural thickening", {"Pleural Thickening"}),
        ("pneumomediastinum", {"Pneumomediastinum"}),
        ("atypical pneumonia", {"Pneumonia"}),
        ("pneumoperitoneo", {"Pneumoperitoneum"}),
        ("hydropneumothorax", {"Pleural Effusion", "Pneumothorax"}),
        ("subcutaneous emphysema", {"Subcutaneous Emphysema"}),
        ("dai", {"Support Devices"}),
        ("artificial heart valve", {"Support Devices"}),
        ("sternotomy", set()),
        ("descendent aortic elongation", {"Tortuous Aorta"}),
        ("supra aortic elongation", set()),
        ("scoliosis", set()),
    ],
)
def test_finding_to_classes(labels_of, finding, classes):
    assert positive(labels_of(finding)) == classes


@pytest.mark.parametrize(
    ("finding", "unknown"),
    [
        ("costophrenic angle blunting", {"Pleural Effusion", "Pleural Thickening"}),
        ("COPD signs", {"Emphysema"}),
        ("heart insufficiency", {"Edema"}),
        ("osteosynthesis material", {"Support Devices"}),
        ("vertebral compression", {"Fracture"}),
        ("scoliosis", set()),
    ],
)
def test_a_finding_that_may_go_with_a_class_leaves_it_open(labels_of, finding, unknown):
    labels = labels_of(finding)
    assert set(KNOWN) - set(labels) == unknown | {"No Finding"}
    assert not positive(labels)


def test_a_positive_finding_outweighs_one_that_leaves_the_class_open(labels_of):
    assert labels_of("costophrenic angle blunting", "pleural effusion")["Pleural Effusion"] == 1


@pytest.mark.parametrize("entry", ["unchanged", "exclude", "suboptimal study", "", " "])
def test_an_incomplete_list_gives_no_negative_but_what_a_positive_implies(labels_of, entry):
    assert labels_of("cardiomegaly", entry) == {"Cardiomegaly": 1, "No Finding": 0}
    assert labels_of(entry, "pacemaker") == {"Support Devices": 1}


@pytest.mark.parametrize(
    ("findings", "label"),
    [
        (["normal"], 1),
        (["normal", "pacemaker", "NSG tube"], 1),
        (["pacemaker"], None),
        (["normal", "pneumonia"], 0),
        (["pneumonia"], 0),
        (["pneumonia", "pacemaker"], 0),
        (["normal", "scoliosis"], None),
        (["scoliosis"], None),
        (["normal", "COPD signs"], None),
    ],
)
def test_no_finding(labels_of, findings, label):
    assert labels_of(*findings).get("No Finding") == label


@pytest.mark.parametrize("labels", ["['unchanged']", "['exclude']", "['']", "[]", "nan", " "])
def test_a_list_that_says_nothing_is_dropped_and_counted(tmp_path, labels):
    rows = [padchest_row(), padchest_row(labels, "10_b.png"), padchest_row(labels, "10_c.png")]
    found = read(write(tmp_path / "a.csv", PADCHEST_HEADER, *rows))
    assert list(found.table["path"]) == ["10_a.png"]
    assert found.dropped == {"a.csv: no label": 2}


def test_views(tmp_path):
    rows = [padchest_row(image=f"{view}.png", view=view) for view in VIEWS]
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, *rows)
    assert list(read(path).table["view"]) == ["PA", "LATERAL", "AP", "AP", "OTHER", "OTHER", "OTHER"]
    frontal = read(path, "frontal")
    assert list(frontal.table["path"]) == ["PA.png", "AP.png", "AP_horizontal.png"]
    assert frontal.dropped == {"a.csv: view OTHER": 3, "a.csv: view LATERAL": 1}


def test_ids_and_a_study_number_with_two_patients(tmp_path):
    rows = [padchest_row(image="5-2_-a.png", study="5-2"), padchest_row(patient="2", study="5-2")]
    table = read(write(tmp_path / "a.csv", PADCHEST_HEADER, *rows)).table
    assert list(table["image_id"]) == ["padchest/5-2_-a.png", "padchest/10_a.png"]
    assert list(table["patient_id"]) == ["padchest/1", "padchest/2"]
    assert list(table["study_id"]) == ["padchest/1/5-2", "padchest/2/5-2"]
    assert table["split"].isna().all()


@pytest.mark.parametrize("folder", ["", "0", "54"])
def test_images_lie_in_one_folder_or_in_numbered_ones(tmp_path, folder):
    image = tmp_path / folder / "10_a.png"
    image.parent.mkdir(exist_ok=True)
    image.touch()
    (tmp_path / "54.zip").touch()
    table = read(write(tmp_path / "labels" / "a.csv", PADCHEST_HEADER, padchest_row())).table
    assert find_reader("padchest").IMAGE_FOLDERS == IMAGE_FOLDERS
    assert find_files(list(table["path"]), tmp_path, IMAGE_FOLDERS) == [str(image)]


def test_folder_with_the_label_file(tmp_path):
    name = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
    with pytest.raises(StudyError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected {name} or {name}.gz in this folder"
    path = write(tmp_path / f"{name}.gz", PADCHEST_HEADER, *ROWS)
    assert_same(read(tmp_path).table, read_padchest(path))


@pytest.mark.parametrize(
    "labels", ["normal", "['normal'", "['normal' 'mass']", "['normal', nan]", "['a',]", "__import__('os')"]
)
def test_labels_that_are_no_list(tmp_path, labels):
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, ROWS[0], padchest_row(labels, "b.png"))
    with pytest.raises(StudyError) as caught:
        read(path)
    expected = f"expected a list such as ['pneumonia', 'cardiomegaly'], found {labels!r}"
    assert str(caught.value) == f"{path}: row 4: Labels: {expected}"  # the row before has two lines


def test_no_finding_of_padchest_in_the_file(tmp_path):
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, padchest_row("['Covid']"), padchest_row("nan", "b.png"))
    with pytest.raises(StudyError, match=r"a\.csv: Labels: no finding of PadChest, expected some such as"):
        read(path)


def test_nothing_but_incomplete_lists(tmp_path):
    path = write(
        tmp_path / "a.csv", PADCHEST_HEADER, padchest_row("['scoliosis', 'unchanged', 'volume loss']")
    )
    with pytest.raises(StudyError, match=r"a\.csv: no row is left, dropped: 1 × a\.csv: no label$"):
        read(path)


@pytest.mark.parametrize("number", ["", "nan", "p1", "1.0"])
@pytest.mark.parametrize(("key", "column"), [("patient", "PatientID"), ("study", "StudyID")])
def test_id_that_is_no_number(tmp_path, key, column, number):
    row = padchest_row(image="b.png", **{key: number})
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, padchest_row(), row)
    with pytest.raises(StudyError, match=rf"a\.csv: row 3: {column}: expected a number.*, found '{number}'$"):
        read(path)


def test_image_twice(tmp_path):
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, *ROWS, ROWS[0])
    with pytest.raises(StudyError, match=r"image '0_a\.png' is there twice"):
        read(path)


@pytest.mark.parametrize("column", ["ImageID", "StudyID", "PatientID", "Projection", "Labels"])
def test_missing_column(tmp_path, column):
    header = PADCHEST_HEADER.replace(f",{column},", ",other,")
    with pytest.raises(StudyError, match=rf"a\.csv: missing column '{column}'$"):
        read(write(tmp_path / "a.csv", header, *ROWS))


def test_test_list_is_refused(tmp_path):
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, *ROWS)
    with pytest.raises(StudyError, match=r"data\.sources\.padchest\.test_list: only nih has one"):
        read_source("padchest", path, Options(path))


def test_full_size_in_seconds_and_like_the_naive_reader(tmp_path):
    rng = np.random.default_rng(0)
    names = np.array([*FINDINGS, ""])
    lists = [str([str(name) for name in rng.choice(names, rng.integers(1, 7))]) for _ in range(29_000)]
    draws = rng.integers(len(lists), size=160_861)
    rows = [
        padchest_row(lists[draw], f"{i}.png", str(i // 3), str(i // 2), VIEWS[i % 7])
        for i, draw in enumerate(draws)
    ]
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, *rows)
    start = time.perf_counter()
    table = read(path).table
    assert time.perf_counter() - start < 10  # about 2 s on an idle machine
    head = write(tmp_path / "head.csv", PADCHEST_HEADER, *rows[:5_000])  # the naive reader is slow
    expected = list(read_padchest(head))
    assert_same(table.head(len(expected)), expected)
