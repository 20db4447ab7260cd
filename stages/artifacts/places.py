"""Where findings lie in the images of a set: as the demo drew them, or as people drew boxes around them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.boxes.files import EDGES, SIZE, read_boxes
from cxrlt_core.boxes.frame import fit_boxes, image_size
from cxrlt_core.demo.boxes import read_boxes as read_drawn
from cxrlt_core.labels import NEGATIVE
from cxrlt_core.packing.decode import Geometry
from cxrlt_core.packing.files import find_files
from cxrlt_core.params.schema import Image, NamedFile, Params
from cxrlt_core.sources import find_reader
from cxrlt_core.study.sources import source_entry
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import file_hash
from cxrlt_core.system.text import counts
from stages.artifacts.drawn import draw_again, raw_folder
from stages.artifacts.sets import LabelledSet

NO_PLACES = {"position": int, "label": int, **dict.fromkeys(EDGES, np.float32)}


@dataclass(frozen=True)
class FoundPlaces:
    """The boxes of a set's images."""

    # a row a box: position of its image in the set, index of its class, EDGES in 0..1 of the packed image
    table: pd.DataFrame
    left_out: Mapping[str, int]  # why boxes of the files are not among them, to how many


def find_places(params: Params, name: str, data: LabelledSet, image: Image) -> FoundPlaces:
    """Return the boxes of a source's development images, or of an external set's; none where it has none.

    ``name`` is of the source or the set, ``image`` how its images are packed. StudyError: see
    :func:`cxrlt_core.boxes.files.read_boxes`; a box outside of its image; or an image whose size neither its
    file tells, nor the file of boxes.
    """
    if name in params.data.boxes:
        parts = [_of_file(params, name, data, image, file) for file in params.data.boxes[name]]
        left_out = sum((Counter(part.left_out) for part in parts), Counter())
        found = FoundPlaces(pd.concat([part.table for part in parts], ignore_index=True), dict(left_out))
        why = f"; left out: {counts(found.left_out)}" if left_out else ""
        print(f"{name}: {len(found.table):,} boxes of findings in its images{why}")
        return found
    if name in params.demo.sources and name == params.data.primary:
        return FoundPlaces(_drawn(params, name, data), {})
    return FoundPlaces(pd.DataFrame(columns=[*NO_PLACES]).astype(NO_PLACES), {})


def _drawn(params: Params, source: str, data: LabelledSet) -> pd.DataFrame:
    """Return the places of drawn findings, which are noted beside the demo's images."""
    path = raw_folder(source) / "places.parquet"
    draw_again(params, source, path)  # DVC keeps the label files of the demo, not what lies beside them
    boxes = read_drawn(path, data.table["path"], data.classes)
    position, label = np.nonzero(np.isfinite(boxes).all(-1))
    table = pd.DataFrame(boxes[position, label], columns=list(EDGES))
    return table.assign(position=position, label=label)


def _of_file(params: Params, name: str, data: LabelledSet, image: Image, named: NamedFile) -> FoundPlaces:
    """Return the boxes of a file, but those that say nothing of the set, which are counted."""
    key, _ = source_entry(params, name)
    if not Path(named.file).is_file() or file_hash(named.file) != named.sha256:
        raise StudyError(f"{key}.boxes: {named.file}: absent, or changed since the run began; run dvc repro")
    file = read_boxes(Path(named.file), params.label_space)
    table = file.table
    table["position"] = pd.Index(data.table["path"]).get_indexer(table["path"])
    table["label"] = pd.Index(data.classes).get_indexer(table["class"])
    left_out = {f"of {finding}, no class of the study": count for finding, count in file.unread.items()}

    def leave_out(why: str, of: pd.Series) -> None:
        nonlocal table
        left_out[why] = int(of.sum())
        table = table[~of]

    leave_out("of a class that the primary source does not know", table["label"] < 0)
    leave_out("of an image that is not in the set", table["position"] < 0)
    denied = data.targets[table["position"], table["label"]] == NEGATIVE
    leave_out("of a finding that the label denies", pd.Series(denied, table.index))
    table = _with_sizes(params, name, table)
    file.check_inside(table)
    fitted = fit_boxes(table[[*EDGES]].to_numpy(), table[[*SIZE]].to_numpy(), Geometry(image.size, image.fit))
    table[[*EDGES]] = fitted
    leave_out(f"cut off by image.fit {image.fit}", table["left"].isna())
    return FoundPlaces(table[[*NO_PLACES]].astype(NO_PLACES), {w: n for w, n in left_out.items() if n})


def _with_sizes(params: Params, name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return boxes with the size of each image: what is not told by their file is read from the image's."""
    key, entry = source_entry(params, name)
    paths = table.loc[table["width"].isna(), "path"].unique().tolist()
    files = find_files(paths, Path(entry.images), find_reader(entry.reader).IMAGE_FOLDERS)
    sizes = {}
    for path, file in zip(paths, files, strict=True):
        if file is None or not Path(file).is_file():
            expected = "expected its file, or columns width and height in that of the boxes"
            raise StudyError(f"{key}.boxes: size of image {path} is not known, {expected}")
        sizes[path] = image_size(file)
    known = table.copy()
    for axis, column in enumerate(SIZE):
        told = known["path"].map({path: size[axis] for path, size in sizes.items()})
        known[column] = known[column].fillna(told).astype(float)
    return known
