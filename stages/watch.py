"""Look for image files that are new or have changed, by size and time, and for another decoder.

DVC does not read image files, and knows no versions of packages. It runs this stage every time, and packs a
source only if its list, or what decodes here, has changed.

Usage: python -m stages.watch
"""

from pathlib import Path

from cxrlt_core.packing.decoder import decoder
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import write_parquet
from stages.artifacts.border import run_stage
from stages.artifacts.drawn import draw_again, drawn_with
from stages.artifacts.paths import watched_path
from stages.artifacts.watched import look


def main(params: Params) -> None:
    """Write data/watched/<source>.parquet for each source."""
    for source in params.data.sources:
        images = Path(params.data.sources[source].images)
        if images.exists():  # else packing draws them, if it needs any
            draw_again(params, source, images)
        metadata = {"drawn": drawn_with(params, source), "decoder": decoder()}
        write_parquet(watched_path(source), look(params, source), metadata)


if __name__ == "__main__":
    run_stage(main)
