"""Decode and resize every image of one source once, into an array that training maps.

Usage: python -m stages.pack <source>
"""

import os
from pathlib import Path

from cxrlt_core.packing.pack import check_rejects, pack_images, write_index
from cxrlt_core.params.schema import Params
from cxrlt_core.sources import find_reader
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet
from stages.artifacts.border import run_stage


def main(params: Params, source: str) -> None:
    """Write <image.store>/<source>-<size>.npy and its index data/packed/<source>.parquet."""
    if source not in params.data.sources:
        known = ", ".join(params.data.sources)
        raise StudyError(f"data.sources.{source}: missing key, found {known}")
    labels = read_parquet(f"data/labels/{source}.parquet", ["image_id", "path"])
    array = Path(params.image.store) / f"{source}-{params.image.size}.npy"
    index = pack_images(
        ids=labels["image_id"].tolist(),
        paths=labels["path"].tolist(),
        root=Path(params.data.sources[source].images),
        folders=find_reader(source).IMAGE_FOLDERS,
        array=array,
        size=params.image.size,
        fit=params.image.fit,
        workers=len(os.sched_getaffinity(0)),  # the pixels do not depend on it
    )
    check_rejects(index, params.image.max_rejects, f"data.sources.{source}.images")
    write_index(f"data/packed/{source}.parquet", index, array)


if __name__ == "__main__":
    run_stage(main)
