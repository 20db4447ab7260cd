"""Compare every packed row with its digest, and every image file with its size and time when it was packed.

Usage: python -m tools.verify   (`make verify`)
"""

import time
from pathlib import Path

from cxrlt_core.packing.files import file_stamps, find_files
from cxrlt_core.packing.packed_array import damaged_rows, open_array, text_or_none
from cxrlt_core.packing.record import read_stamps
from cxrlt_core.params.schema import Image, Params
from cxrlt_core.sources import find_reader
from cxrlt_core.study.recipes import geometries
from cxrlt_core.study.sources import source_entry
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet
from stages.artifacts.border import run_stage
from stages.artifacts.paths import array_path, external_path, geometry_name, index_path


def main(params: Params) -> None:
    """Print a line for each packed source or external set; StudyError: a line for each that has changed."""
    used = {geometry_name(image): image for image in (params.image, *geometries(params).values())}
    names = (*params.data.sources, *params.data.external)
    packed = [(name, image) for name in names for image in used.values()]
    packed = [what for what in packed if index_of(params, *what).exists()]
    if problems := [line for what in packed for line in verify(params, *what)]:
        raise StudyError("\n".join(problems))


def index_of(params: Params, source: str, image: Image) -> Path:
    """Return where the index of a source's images in a size and fit lies."""
    name = geometry_name(image)
    own = name == geometry_name(params.image)
    if source in params.data.external:
        return Path(external_path(source) if own else external_path(source, f"{name}.parquet"))
    return Path(index_path(source, None if own else name))


def verify(params: Params, source: str, image: Image) -> list[str]:
    """Return a line for each thing that is wrong with a source in a size and fit; print what was compared."""
    array = array_path(image, source)
    index = read_parquet(index_of(params, source, image), ["row", "digest"]).dropna(subset="row")
    rows, digests = index["row"].to_numpy(int), index["digest"].array
    start = time.perf_counter()
    try:
        pixels = open_array(array, rows, digests)
    except StudyError as error:
        return [str(error)]
    damaged = damaged_rows(pixels, rows.tolist(), list(map(text_or_none, digests)))
    seconds = time.perf_counter() - start
    changed, gone = changed_files(params, source, array)
    print(f"{array}: {len(rows)} rows compared in {seconds:.0f} s, {gone} images have no file any more")
    external = source in params.data.external  # whose files no stage looks at every time
    again = f"dvc repro --force {'external_images' if external else 'pack'}@{source}"
    remedies = (
        (damaged, "rows are not what was packed", again),
        (changed, "image files changed since they were packed", again if external else "dvc repro"),
    )
    return [
        f"{array}: {len(names)} {problem}, the first is {names[0]}; pack them again: {remedy}"
        for names, problem, remedy in remedies
        if names
    ]


def changed_files(params: Params, source: str, array: Path) -> tuple[list[str], int]:
    """Return the images whose file has changed by size or time, and how many have no file any more."""
    external, (_, entry) = source in params.data.external, source_entry(params, source)
    table = external_path(source) if external else f"data/labels/{source}.parquet"
    labels = read_parquet(table, ["image_id", "path"])
    packed = read_stamps(array)
    labels = labels[labels["image_id"].isin(packed)]
    folders = find_reader(entry.reader).IMAGE_FOLDERS
    stamps = file_stamps(find_files(labels["path"].tolist(), Path(entry.images), folders))
    now = dict(zip(labels["image_id"], stamps, strict=True))
    changed = [name for name, stamp in now.items() if stamp not in (None, packed[name])]
    return changed, stamps.count(None)


if __name__ == "__main__":
    run_stage(main)
