"""Decode and resize every image of one source once, into an array that training maps.

Usage: python -m stages.pack <source>
"""

import os
import shutil
from pathlib import Path

import pandas as pd

from cxrlt_core.packing.decode import Geometry
from cxrlt_core.packing.files import ImageFiles
from cxrlt_core.packing.pack import check_rejects, pack_images
from cxrlt_core.packing.packed_array import exclusive
from cxrlt_core.packing.record import is_packed
from cxrlt_core.params.schema import Image, Params
from cxrlt_core.sources import find_reader
from cxrlt_core.study.recipes import geometries
from cxrlt_core.study.sources import source_entry
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet, write_json, write_parquet
from stages.artifacts.border import run_stage
from stages.artifacts.drawn import draw_again
from stages.artifacts.paths import array_path, geometry_name, index_path, watched_path


def main(params: Params, source: str) -> None:
    """Write <image.store>/<source>-<size>-<fit>.npy for every size and fit in use, with an index each."""
    images = read_parquet(watched_path(source), ["image_id", "path"])
    shutil.rmtree(Path(index_path(source, "any")).parent, ignore_errors=True)
    used = {geometry_name(image): image for image in (params.image, *geometries(params).values())}
    for name, image in used.items():
        index = pack(params, source, image, images)
        write_parquet(index_path(source, None if image == params.image else name), index)
    write_json(Path(index_path(source, "any")).with_name("sizes.json"), sorted(used))


def pack(params: Params, source: str, image: Image, images: pd.DataFrame) -> pd.DataFrame:
    """Pack the images of a source, or of an external set, in a size and fit, and return their index."""
    key, entry = source_entry(params, source)
    root, folders = Path(entry.images), find_reader(entry.reader).IMAGE_FOLDERS
    ids, paths = images["image_id"].tolist(), images["path"].tolist()
    files = ImageFiles(ids, paths, root, folders, f"{key}.images")
    make_store(Path(image.store))
    array, geometry = array_path(image, source), Geometry(image.size, image.fit)
    with exclusive(array):
        if not root.exists():  # DVC keeps the label files of the demo, not its images
            draw_again(params, source, root, is_packed(array, files.ids, root, geometry))
        workers = len(os.sched_getaffinity(0))  # the pixels do not depend on it
        index = pack_images(files, array, geometry, workers)
        listed = array.with_suffix(".rejects.csv")
        check_rejects(index, params.image.max_rejects, f"{key}.images", listed)
    print(f"{array}: {index['row'].count():,} images, {index['row'].isna().sum():,} rejected")
    return index


def make_store(store: Path) -> None:
    """Make the folder of the packed arrays, but none above it: a misspelt place is one line, and no new tree.

    StudyError if the folder above is absent, also that of what a link points to.
    """
    folder = store.resolve()
    if not folder.parent.is_dir():
        raise StudyError(f"image.store: {folder.parent}: no such folder, expected one for {folder.name}")
    if not folder.exists():
        print(f"{store}: no such folder yet, making it for packed images", flush=True)
        folder.mkdir(exist_ok=True)


if __name__ == "__main__":
    run_stage(main)
