"""Open the packed images of a set."""

import json
from pathlib import Path

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.packing.packed_array import open_array
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import read_parquet_metadata
from stages.artifacts.sets import LabelledSet, set_path


def open_images(params: Params, data: LabelledSet) -> PackedImages:
    """Map the packed arrays of a set's sources.

    Raises:
        StudyError: when an array is absent or is not the one the set was made from.
    """
    marks = json.loads(read_parquet_metadata(set_path(data.name))["fingerprints"])
    store = Path(params.image.store)
    arrays = {s: open_array(store / f"{s}-{params.image.size}.npy", mark) for s, mark in marks.items()}
    return PackedImages(arrays, data.table["source"].tolist(), data.table["row"].to_numpy())
