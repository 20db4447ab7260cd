"""Open the packed images of a set."""

import json
from pathlib import Path

import numpy as np

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.packing.lock import wait_until_packed
from cxrlt_core.packing.packed_array import open_array
from cxrlt_core.params.schema import Image
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet_metadata
from stages.artifacts.checks import check_rows
from stages.artifacts.paths import set_path
from stages.artifacts.sets import LabelledSet
from stages.artifacts.store import array_path, run_again


def open_images(data: LabelledSet, image: Image) -> PackedImages:
    """Map the packed arrays of a set's sources; pack a source again whose array is absent or another one.

    So an array is a cache: a clone, a temporary run or another experiment's store need not have it.

    Raises:
        StudyError: when an array is not the one the set was made from, even then; when the set names a row
            that an array has not.
    """
    marks = json.loads(read_parquet_metadata(set_path(data.name))["fingerprints"])
    arrays = {source: _open(array_path(image, source), source, mark) for source, mark in marks.items()}
    sources, rows = data.table["source"], data.table["row"].to_numpy()
    sizes = sources.map({source: len(pixels) for source, pixels in arrays.items()})
    check_rows(set_path(data.name), rows, sizes.to_numpy())
    return PackedImages(arrays, sources.tolist(), rows)


def _open(array: Path, source: str, mark: str) -> np.memmap:
    wait_until_packed(array)
    try:
        return open_array(array, mark)
    except StudyError:
        print(f"{array}: {'another' if array.exists() else 'no'} array, packing {source} again", flush=True)
    run_again("pack", source)  # of several processes here, one packs and the others wait
    return open_array(array, mark)
