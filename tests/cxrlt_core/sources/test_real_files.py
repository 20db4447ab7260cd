"""The label files of four releases, as torchxrayvision ships them, in full and in all label spaces.

Each is counted once more by pandas, from its cells and from what the file of a label space says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from label_files import CHEXPERT_KNOWN, options

from cxrlt_core.label_space import FOLDER, label_spaces
from cxrlt_core.labels import classes_in
from cxrlt_core.people import without_people
from cxrlt_core.sources import read_source

REAL = find_spec("torchxrayvision")
DATA = Path(REAL.submodule_search_locations[0]) / "data" if REAL else Path()
needs_files = pytest.mark.skipif(REAL is None, reason="torchxrayvision, which has them, is not installed")

PADCHEST = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"
FILES = {"nih": "Data_Entry_2017_v2020.csv.gz", "nih_expert": "google2019_nih-chest-xray-labels.csv.gz"}
FILES |= {"chexpert": "chexpert_train.csv.gz", "padchest": PADCHEST}
SPACES = {"nih": "nih14", "nih_expert": "nih_expert", "chexpert": "chexpert14", "padchest": "padchest"}

#: Reader and label space to images, patients, classes that are known, and positives of all of them.
COUNTS = {
    ("nih", "chexpert14"): (112120, 30805, 8, 101716),
    ("nih", "cxrlt2023"): (112120, 30805, 15, 141537),
    ("nih", "cxrlt2024"): (112120, 30805, 14, 81176),
    ("nih", "cxrlt2026"): (112120, 30805, 9, 51195),
    ("nih", "nih14"): (112120, 30805, 15, 141537),
    ("nih", "nih_expert"): (112120, 30805, 1, 5302),
    ("nih", "padchest"): (112120, 30805, 6, 14175),
    ("nih", "vindr"): (112120, 30805, 12, 129197),
    ("nih_expert", "chexpert14"): (4376, 1695, 2, 424),
    ("nih_expert", "cxrlt2023"): (4376, 1695, 2, 424),
    ("nih_expert", "cxrlt2024"): (4376, 1695, 2, 424),
    ("nih_expert", "cxrlt2026"): (4376, 1695, 2, 424),
    ("nih_expert", "nih14"): (4376, 1695, 1, 238),
    ("nih_expert", "nih_expert"): (4376, 1695, 4, 3195),
    ("nih_expert", "vindr"): (4376, 1695, 2, 843),
    ("chexpert", "chexpert14"): (223402, 64538, 14, 515589),
    ("chexpert", "cxrlt2023"): (223402, 64538, 14, 515589),
    ("chexpert", "cxrlt2024"): (223402, 64538, 13, 493208),
    ("chexpert", "cxrlt2026"): (223402, 64538, 5, 175051),
    ("chexpert", "nih14"): (223402, 64538, 8, 261460),
    ("chexpert", "nih_expert"): (223402, 64538, 2, 28488),
    ("chexpert", "padchest"): (223402, 64538, 4, 199610),
    ("chexpert", "vindr"): (223402, 64538, 8, 261460),
    ("padchest", "chexpert14"): (147534, 64783, 12, 119094),
    ("padchest", "cxrlt2023"): (150275, 65329, 24, 167483),
    ("padchest", "cxrlt2024"): (150557, 65393, 35, 179791),
    ("padchest", "cxrlt2026"): (149628, 65329, 30, 158851),
    ("padchest", "nih14"): (147868, 64880, 15, 130971),
    ("padchest", "nih_expert"): (141413, 63861, 3, 10016),
    ("padchest", "padchest"): (159335, 67309, 193, 328052),
    ("padchest", "vindr"): (148019, 64903, 17, 132775),
}


Images = dict[str, np.ndarray]  # a class to the images of a state, bool (N,)


@dataclass
class Said:
    """What a file says of N images."""

    patients: np.ndarray  # names of them, (N,)
    found: pd.Series  # a name of a finding that is there; the index is the number of the image
    names: list[str]  # of all findings
    open: pd.Series  # as found, of findings that may be there
    whole: np.ndarray  # whether what is not found is absent, bool (N,)
    used: np.ndarray  # whether the image counts, if anything is known of it, bool (N,)

    def has(self, names: Iterable[str], where: str = "found") -> np.ndarray:
        """Return which images have one of some findings, bool (N,)."""
        listed = getattr(self, where)
        return np.isin(np.arange(len(self.patients)), listed.index[listed.isin(list(names))])


def said(reader: str) -> Said:
    """Return what the file of a reader says."""
    cells = pd.read_csv(DATA / FILES[reader], dtype=str, keep_default_na=False)
    everywhere, nothing = np.ones(len(cells), bool), pd.Series([], dtype=str)
    if reader == "nih":
        found = cells["Finding Labels"].str.split("|").explode()
        names = sorted(set(found))
        return Said(cells["Patient ID"].to_numpy(), found, names, nothing, everywhere, everywhere)
    if reader == "nih_expert":
        names = ["Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass"]
        found = stacked(cells[names] == "YES")
        return Said(cells["Patient ID"].to_numpy(), found, names, nothing, everywhere, everywhere)
    if reader == "chexpert":
        marks, patients = cells[CHEXPERT_KNOWN], cells["Path"].str.split("/").str[2].to_numpy()
        used = (marks != "").any(axis=1).to_numpy()
        found, may_be = stacked(marks == "1.0"), stacked(marks == "-1.0")
        return Said(patients, found, CHEXPERT_KNOWN, may_be, everywhere, used)
    return said_by_padchest(cells)


def stacked(there: pd.DataFrame) -> pd.Series:
    """Return the name of every column that is true, by row."""
    rows, columns = np.nonzero(there.to_numpy())
    return pd.Series(there.columns.to_numpy()[columns], rows)


def said_by_padchest(cells: pd.DataFrame) -> Said:
    """A list is whole unless it refers to others; normal beside more than devices is of the rest alone."""
    content = yaml.safe_load((FOLDER / "padchest.yaml").read_text())
    found = cells["Labels"].str.findall("'([^']*)'").explode().fillna("").str.strip()
    incomplete = found.isin(["unchanged", "exclude", "suboptimal study", ""])
    beside = found.index[~found.isin(["normal", *content["normal"]["normal"]])]
    partly = (found == "normal") & found.index.isin(beside)
    used = cells["Projection"].isin(["PA", "AP", "AP_horizontal", "L"])
    return Said(
        patients=cells["PatientID"].to_numpy(),
        found=found[~partly].astype("category"),
        names=content["classes"],
        open=found[partly],
        whole=~cells.index.isin(found.index[incomplete]),
        used=used.to_numpy(),
    )


def related(content: dict[str, Any], label: str, source: Said, of: str) -> dict[str, list[str]]:
    """Return the findings that make a class present, by relation, and those that leave it open."""

    def plain(name: str) -> str:
        return name.replace("_", " ").lower()

    stated = content.get("relations", {}).get(of, {}).get(label)
    if stated is None:
        called = {plain(name) for name in (label, *content.get("aliases", {}).get(label, []))}
        return {"exact": [name for name in source.names if plain(name) in called]}
    used = stated.get("use", [])
    kept = {key: names for key, names in stated.items() if key == "exact" or key in used}
    return kept | {"open": [n for key in ("near", "partial") if key not in used for n in stated.get(key, [])]}


def count(source: Said, of: str, space: str) -> tuple[np.ndarray, Images, Images]:
    """Return which images are kept, bool (N,), and for each known class where it is, and where it is not.

    ``of`` is the label space of the source. A class that no finding is the same as is absent beside
    others alone, and that is not told here.
    """
    content = yaml.safe_load((FOLDER / f"{space}.yaml").read_text())
    present, absent = {}, {}
    for name in content["classes"]:
        findings = related(content, name, source, of)
        if makes := [n for key, names in findings.items() if key != "open" for n in names]:
            present[name] = source.has(makes)
            if same := findings.get("exact"):
                unclear = source.has(same, "open") | source.has(findings.get("open", []))
                absent[name] = source.whole & ~present[name] & ~unclear
    known = np.any([*present.values(), *absent.values()], axis=0)
    return source.used & known if of == "padchest" else source.used, present, absent


def test_every_label_space_is_counted_that_has_a_class_of_a_file():
    """Of PadChest's findings none is one of the four that NIH's experts read, each of which holds several."""
    assert set(product(FILES, label_spaces())) - set(COUNTS) == {("nih_expert", "padchest")}


@needs_files
@pytest.mark.parametrize("reader", FILES)
def test_every_image_is_counted_as_pandas_counts_it(reader):
    source = said(reader)
    for space in [space for name, space in COUNTS if name == reader]:
        kept, present, absent = count(source, SPACES[reader], space)
        patients = set(source.patients[kept])
        positives = {name: int((there & kept).sum()) for name, there in present.items()}
        totals = (int(kept.sum()), len(patients), len(present), sum(positives.values()))
        assert totals == COUNTS[reader, space], space
        harmonized = read_source(reader, DATA / FILES[reader], options(space))
        table = harmonized.table
        assert (len(table), table["patient_id"].nunique()) == totals[:2], space
        assert harmonized.known == tuple(present), space
        assert {name: int((table[name] == 1).sum()) for name in present} == positives, space
        negatives = {name: int((there & kept).sum()) for name, there in absent.items()}
        assert {name: int((table[name] == 0).sum()) for name in absent} == negatives, space
        unknown = [name for name in classes_in(without_people(table)) if name not in present]
        assert (table[unknown] == -1).all(axis=None), space
