"""Write the demo's images and label files of one source, in the on-disk format of the real one."""

import shutil
from pathlib import Path

from cxrlt_core.demo.releases import write_release
from cxrlt_core.params import Params
from stages.common import run_stage


def main(params: Params, source: str) -> None:
    """Write data/raw/<source>/labels and data/raw/<source>/images anew."""
    folder = Path("data/raw") / source
    labels, images = folder / "labels", folder / "images"
    for old in (labels, images):
        shutil.rmtree(old, ignore_errors=True)
    write_release(source, params.demo, labels, images)


if __name__ == "__main__":
    run_stage(main)
