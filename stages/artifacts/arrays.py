"""Open the packed images of a set."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.packing.packed_array import open_array, read_decoder, wait_until_packed
from cxrlt_core.params.schema import Image, Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet
from stages.artifacts.border import run_again
from stages.artifacts.paths import array_path, geometry_name, index_path
from stages.artifacts.sets import LabelledSet


def open_images(data: LabelledSet, params: Params, image: Image | None = None) -> PackedImages:
    """Map the packed arrays of a set's sources; pack a source again whose array is absent or another one.

    So an array is a cache: a clone, a temporary run or another experiment's store need not have it. The
    size and fit are the study's if absent. StudyError when an array still has other images than the set.
    """
    image = image or params.image
    images, arrays = with_pixels(data.table, params, image), {}
    for source, table in images.groupby("source", sort=False):
        arrays[source] = open_or_pack(array_path(image, source), source, table)
    return PackedImages(arrays, images["source"].tolist(), images["row"].to_numpy())


def with_pixels(table: pd.DataFrame, params: Params, image: Image) -> pd.DataFrame:
    """Return source, row and digest of a set's images in a size and fit; StudyError if one is not packed."""
    if geometry_name(image) == geometry_name(params.image):
        return table[["source", "row", "digest"]]
    paths = [index_path(source, geometry_name(image)) for source in table["source"].unique()]
    index = pd.concat([read_parquet(path, ["image_id", "row", "digest"]) for path in paths])
    packed = table[["image_id", "source"]].merge(index, on="image_id", how="left", validate="one_to_one")
    if packed["row"].isna().any():
        missing = packed.loc[packed["row"].isna(), "image_id"].iloc[0]
        raise StudyError(f"{paths[0]}: image {missing} of the set is not packed; run dvc repro")
    return packed.astype({"row": "int64"})


def decoder_of(data: LabelledSet, image: Image) -> str:
    """Return the mark of what decoded the packed images of a set; of several, each on its own."""
    arrays = (array_path(image, source) for source in data.table["source"].unique())
    return "; ".join(sorted({read_decoder(array) for array in arrays}))


def open_or_pack(array: Path, source: str, table: pd.DataFrame, stage: str = "pack") -> np.memmap:
    """Map the packed array that has the rows and digests of a table; what packs it runs again if it has not.

    StudyError when it still has not.
    """
    rows, digests = table["row"].to_numpy(), table["digest"].array
    wait_until_packed(array)
    try:
        return open_array(array, rows, digests)
    except StudyError:
        print(f"{array}: {'another' if array.exists() else 'no'} array, packing {source} again", flush=True)
    run_again(stage, source)  # of several processes here, one packs and the others wait
    return open_array(array, rows, digests)
