"""Compare every packed row with its digest, and every image file with its size and time when it was packed.

Usage: python -m stages.artifacts.verify   (no stage: `make verify`)
"""

import time
from collections.abc import Sequence
from pathlib import Path

from cxrlt_core.packing.pack import locate
from cxrlt_core.packing.packed_array import damaged_rows, open_array
from cxrlt_core.packing.record import file_stamp, read_stamps
from cxrlt_core.params.schema import Params
from cxrlt_core.sources import find_reader
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet, read_parquet_metadata
from stages.artifacts.store import array_path

CHANGED = "image files changed since they were packed"


def main(params: Params) -> None:
    """Print a line for each source that is packed.

    Raises:
        StudyError: a row or a file is another one, with a line for each source that has such.
    """
    problems = [line for name in packed_sources(params) for line in verify(params, name)]
    if problems:
        raise StudyError("\n".join(problems))


def packed_sources(params: Params) -> list[str]:
    """Return the sources that have an index of packed images."""
    return [name for name in params.data.sources if Path(f"data/packed/{name}.parquet").exists()]


def verify(params: Params, source: str) -> list[str]:
    """Return a line for each thing that is wrong with a source; print what was compared."""
    index, array = f"data/packed/{source}.parquet", array_path(params.image, source)
    rows = read_parquet(index, ["row", "digest"]).dropna(subset="row")
    digests = [text if isinstance(text, str) else None for text in rows["digest"]]
    start = time.perf_counter()
    try:
        pixels = open_array(array, read_parquet_metadata(index)["fingerprint"])
    except StudyError as error:
        return [str(error)]
    damaged = damaged_rows(pixels, rows["row"].astype(int).tolist(), digests)
    seconds = time.perf_counter() - start
    changed, gone = changed_files(params, source)
    print(f"{array}: {len(rows)} rows compared in {seconds:.0f} s, {gone} images have no file any more")
    found = {"rows are not what was packed": damaged, CHANGED: changed}
    return [_line(params, source, what, which) for what, which in found.items() if which]


def changed_lines(params: Params) -> list[str]:
    """Return a line for each packed source of which image files have changed; reads sizes and times alone."""
    lines = []
    for source in packed_sources(params):
        try:
            changed, _ = changed_files(params, source)
        except StudyError:  # no array here: the stage that opens it packs it again
            continue
        lines += [_line(params, source, CHANGED, changed)] if changed else []
    return lines


def _line(params: Params, source: str, what: str, which: Sequence) -> str:
    array, remedy = array_path(params.image, source), f"pack them again: dvc repro --force pack@{source}"
    return f"{array}: {len(which)} {what}, the first is {which[0]}; {remedy}"


def changed_files(params: Params, source: str) -> tuple[list[str], int]:
    """Return the images whose file is another one by size or time, and how many have none any more."""
    labels = read_parquet(f"data/labels/{source}.parquet", ["image_id", "path"])
    stamps = read_stamps(array_path(params.image, source))
    labels = labels[labels["image_id"].isin(stamps)]
    root = Path(params.data.sources[source].images)
    files = locate(labels["path"].tolist(), root, find_reader(source).IMAGE_FOLDERS)
    now = dict(zip(labels["image_id"], map(file_stamp, files), strict=True))
    changed = [name for name, stamp in now.items() if stamp not in (None, stamps[name])]
    return changed, sum(stamp is None for stamp in now.values())


if __name__ == "__main__":
    from stages.artifacts.border import run_stage

    run_stage(main)
