"""Open the packed images of a set."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.packing.lock import wait_until_packed
from cxrlt_core.packing.packed_array import open_array
from cxrlt_core.params.schema import Image
from cxrlt_core.system.errors import StudyError
from stages.artifacts.border import run_again
from stages.artifacts.paths import array_path
from stages.artifacts.sets import LabelledSet


def open_images(data: LabelledSet, image: Image) -> PackedImages:
    """Map the packed arrays of a set's sources; pack a source again whose array is absent or another one.

    So an array is a cache: a clone, a temporary run or another experiment's store need not have it.

    Raises:
        StudyError: when an array has other images than the set was made from, even then.
    """
    arrays = {
        source: _open(array_path(image, source), source, table)
        for source, table in data.table.groupby("source", sort=False)
    }
    return PackedImages(arrays, data.table["source"].tolist(), data.table["row"].to_numpy())


def _open(array: Path, source: str, table: pd.DataFrame) -> np.memmap:
    rows, digests = table["row"].to_numpy(), table["digest"].array
    wait_until_packed(array)
    try:
        return open_array(array, rows, digests)
    except StudyError:
        print(f"{array}: {'another' if array.exists() else 'no'} array, packing {source} again", flush=True)
    run_again("pack", source)  # of several processes here, one packs and the others wait
    return open_array(array, rows, digests)
