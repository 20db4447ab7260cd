"""Write the demo's images and label files of one source, in the on-disk format of the real one."""

from cxrlt_core.demo.releases import write_release
from cxrlt_core.params.schema import Params
from stages.artifacts.border import run_stage
from stages.artifacts.drawn import note_drawn, raw_folder


def main(params: Params, source: str) -> None:
    """Replace labels, images and places.parquet of data/raw/<source>."""
    folder = raw_folder(source)
    (folder / "drawn.json").unlink(missing_ok=True)
    write_release(source, params.demo, folder / "labels", folder / "images", folder / "places.parquet")
    note_drawn(params, source)


if __name__ == "__main__":
    run_stage(main)
