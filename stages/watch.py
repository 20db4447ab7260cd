"""Look for image files that are new or have changed, by size and time, and for another decoder.

DVC does not read image files, and knows no versions of packages. It runs this stage every time, and packs a
source only if its list, or what decodes here, has changed.

Usage: python -m stages.watch
"""

from cxrlt_core.packing.decoder import decoder
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import write_parquet
from stages.artifacts.border import run_stage
from stages.artifacts.leftovers import remove_leftovers
from stages.artifacts.paths import watched_path
from stages.artifacts.watched import look


def main(params: Params) -> None:
    """Write data/watched/<source>.parquet for each source."""
    remove_leftovers(params, "data/labels", "data/watched")
    for source in params.data.sources:
        write_parquet(watched_path(source), look(params, source), {"decoder": decoder()})


if __name__ == "__main__":
    run_stage(main)
