"""Decode and resize every image of one source once, into an array that training maps.

Usage: python -m stages.pack <source>
"""

import os
from pathlib import Path

from cxrlt_core.packing.lock import exclusive
from cxrlt_core.packing.pack import check_rejects, pack_images
from cxrlt_core.packing.record import is_packed
from cxrlt_core.params.schema import Params
from cxrlt_core.sources import find_reader
from cxrlt_core.system.files import read_parquet, write_parquet
from stages.artifacts.border import run_again, run_stage
from stages.artifacts.paths import array_path, watched_path


def main(params: Params, source: str) -> None:
    """Write <image.store>/<source>-<size>-<fit>.npy and its index data/packed/<source>.parquet."""
    images = read_parquet(watched_path(source), ["image_id", "path"])
    ids, root = images["image_id"].tolist(), Path(params.data.sources[source].images)
    array, size, fit = array_path(params.image, source), params.image.size, params.image.fit
    with exclusive(array):
        # DVC keeps the label files of the demo, not its images.
        if source in params.demo.sources and not root.exists() and not is_packed(array, ids, root, size, fit):
            print(f"{root}: no such folder, drawing the demo's images again", flush=True)
            run_again("synthesize", source)
        index = pack_images(
            ids=ids,
            paths=images["path"].tolist(),
            root=root,
            folders=find_reader(source).IMAGE_FOLDERS,
            array=array,
            size=size,
            fit=fit,
            workers=len(os.sched_getaffinity(0)),  # the pixels do not depend on it
        )
        listed = array.with_suffix(".rejects.csv")
        check_rejects(index, params.image.max_rejects, f"data.sources.{source}.images", listed)
        write_parquet(f"data/packed/{source}.parquet", index)
        print(f"{array}: {index['row'].count():,} images, {index['row'].isna().sum():,} rejected")


if __name__ == "__main__":
    run_stage(main)
