"""Boxes around findings in the files of those who drew them, their findings as classes of the study.

Three formats, told apart by their columns: ``BBox_List_2017.csv`` of ChestX-ray14 (Wang et al. 2017),
``annotations_train.csv`` and ``annotations_test.csv`` of VinDr-CXR (Nguyen et al. 2022), and a table of one's
own. All are in pixels of the original image, from its left and its top.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.labels import spelling
from cxrlt_core.params.label_space import LabelSpace
from cxrlt_core.sources.label_file import LabelFile, read_label_file
from cxrlt_core.sources.mapping import names_of
from cxrlt_core.system.errors import StudyError, meant, nearest, shown

#: Edges of a box, from the image's left and its top.
EDGES = ("left", "top", "right", "bottom")
SIZE = ("width", "height")  # columns that any file may have: of the original image


@dataclass(frozen=True)
class Format:
    """How a file has boxes: image, finding, and four numbers."""

    columns: tuple[str, ...]
    corners: bool = False  # the last two are right and bottom, and not width and height
    space: str | None = None  # the label space of its findings, if not the study's
    renamed: Mapping[str, str] = field(default_factory=dict)  # what the file alone calls otherwise
    ending: str = ""  # of the image's file, which the name lacks
    side: float = np.nan  # of the images, where all are squares of one size


OWN = Format(("image", "class", "x", "y", "w", "h"))
FORMATS = (
    # the header has commas in the name of a column, and three after it
    Format(
        ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"),
        space="nih14",
        renamed={"Infiltrate": "Infiltration"},
        side=1024,
    ),
    Format(
        ("image_id", "class_name", "x_min", "y_min", "x_max", "y_max"),
        corners=True,
        space="vindr",
        ending=".dicom",
    ),
    OWN,
)


@dataclass(frozen=True)
class BoxFile:
    """The boxes of a file."""

    file: LabelFile
    # indexed by the record in the file: path, class of the study, EDGES in pixels, SIZE (NaN if not told)
    table: pd.DataFrame
    count: int  # of boxes, those of no class included
    unread: Mapping[str, int]  # findings of no class to their boxes

    def check_inside(self, table: pd.DataFrame) -> None:
        """Raise StudyError for the first of some boxes that lies outside of its image, of known SIZE."""
        beyond = (table["left"] >= table["width"]) | (table["top"] >= table["height"])
        beyond |= (table["right"] <= 0) | (table["bottom"] <= 0)
        if beyond.any():
            at = int(beyond.to_numpy().argmax())
            edges, size = ([f"{table[key].iloc[at]:g}" for key in keys] for keys in (EDGES, SIZE))
            found = f"found one from {', '.join(edges[:2])} to {', '.join(edges[2:])}"
            self.file.fail(
                table.index[at], f"expected a box within the image of {' × '.join(size)} pixels, {found}"
            )


def read_boxes(path: Path, space: LabelSpace) -> BoxFile:
    """Read a file of boxes; rows without any number, such as those of No finding, are none.

    Of a class are those findings of which its labels would be made. StudyError: other columns, a number that
    is none, a box without an area, and a finding that the format does not know, or in a table of one's own
    one that is nearly a class.
    """
    file = read_label_file(path)
    form = next((form for form in FORMATS if all(name in file.cells for name in form.columns)), None)
    if form is None:
        own, found = ", ".join(OWN.columns), ", ".join(map(str, list(file.cells)[:8]))
        raise StudyError(
            f"{path}: expected the columns {own}, those of BBox_List_2017.csv or of annotations_train.csv, "
            f"found {found}"
        )
    image, finding, *numbers = form.columns
    blank = pd.concat([file.column(name).str.strip() == "" for name in numbers], axis=1).all(axis=1)
    file = file.only(~blank)
    names = _findings(file, finding, form, space)
    classes = _classes(list(names.unique()), space, form.space)
    table = pd.DataFrame({"path": file.paths(image) + form.ending, **_edges(file, form)}, file.cells.index)
    for name in SIZE:
        table[name] = _numbers(file, name, above=0) if set(SIZE) <= set(file.cells) else form.side
    table["class"] = names.map(classes)
    unread = Counter(names[names.map(classes).map(len) == 0])
    return BoxFile(file, table.explode("class").dropna(subset="class"), len(file), dict(unread))


def _numbers(file: LabelFile, name: str, above: float = -np.inf) -> pd.Series:
    """Return a column of finite numbers above some value."""
    values = pd.to_numeric(file.column(name), errors="coerce").astype(float)
    expected = "a number" if above == -np.inf else f"a number above {above:g}"
    file.check(name, np.isfinite(values) & (values > above), expected)
    return values


def _edges(file: LabelFile, form: Format) -> dict[str, pd.Series]:
    """Return the EDGES of all boxes; StudyError for one without an area."""
    edges = {}
    for axis, first, last in ((0, "left", "right"), (1, "top", "bottom")):
        start, end = form.columns[2 + axis], form.columns[4 + axis]
        edges[first], number = _numbers(file, start), _numbers(file, end, -np.inf if form.corners else 0)
        edges[last] = number if form.corners else edges[first] + number
        file.check(end, edges[last] > edges[first], f"more than {start}")
    return edges


def _findings(file: LabelFile, column: str, form: Format, space: LabelSpace) -> pd.Series:
    """Return the findings in one spelling; StudyError for one that is none, or nearly one."""
    there = read_label_space(form.space) if form.space else space
    known = {
        spelling(other): name for name in there.classes for other in (name, *there.aliases.get(name, []))
    }
    known |= {spelling(other): name for other, name in form.renamed.items()}
    names = {}
    for name in file.column(column).unique():
        names[name] = known.get(spelling(name), name.strip())
        near = nearest(name, there.classes)
        if spelling(name) not in known and (form.space or near):
            expected = meant(name, there.classes) or f", expected some of {', '.join(there.classes)}"
            at = int((file.column(column) == name).to_numpy().argmax())
            file.fail(file.cells.index[at], f"{column}: unknown finding {shown(name)}{expected}")
    return file.column(column).map(names)


def _classes(names: Sequence[str], space: LabelSpace, of: str | None) -> dict[str, list[str]]:
    """Return the classes that each finding makes positive; a class that excludes others lies nowhere."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for label in space.classes:
        related = names_of(label, space, names, of)
        for relation in ("exact", *related.get("use", [])):
            if relation != "broader" and label not in space.normal:
                for name in related.get(relation, []):
                    found[name].append(label)
    return found
