"""Name the images that each variant sees by content, where its recipe packs them in a size or fit of its own.

Images in the study's size are named in the sets themselves; so an image that changes in another size alone
runs again what has seen it, and nothing else.

Usage: python -m stages.pixels
"""

import hashlib

import pandas as pd

from cxrlt_core.params.schema import Params
from cxrlt_core.study.recipes import geometries
from cxrlt_core.system.files import read_parquet, write_json
from stages.artifacts.arrays import with_pixels
from stages.artifacts.border import run_stage
from stages.artifacts.paths import geometry_name, pixels_path, set_path

SETS = ("train_primary", "train_replenished", "dev", "test")


def main(params: Params) -> None:
    """Write data/pixels/<variant>.json."""
    known = {geometry_name(params.image): {}}
    for variant, image in geometries(params).items():
        name = geometry_name(image)
        if name not in known:
            sets = {key: read_parquet(set_path(key), ["image_id", "source", "row", "digest"]) for key in SETS}
            known[name] = {key: mark(with_pixels(table, params, image)) for key, table in sets.items()}
        write_json(pixels_path(variant), known[name])


def mark(images: pd.DataFrame) -> str:
    """Return one hash of the digests of all images of a set, in their order."""
    return hashlib.sha256("\n".join(images["digest"]).encode()).hexdigest()


if __name__ == "__main__":
    run_stage(main)
