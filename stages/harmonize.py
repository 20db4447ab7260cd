"""Read the label files of one source into the common label space.

Usage: python -m stages.harmonize <source>
"""

from pathlib import Path

from cxrlt_core.params.schema import Params
from cxrlt_core.sources import Harmonized, Options, read_source, summarise
from cxrlt_core.system.files import write_json, write_parquet
from stages.artifacts.border import run_stage


def main(params: Params, source: str) -> None:
    """Write data/labels/<source>.parquet and, with its counts, data/labels/<source>.json."""
    place = params.data.sources[source]
    options = Options(Path(place.test_list) if place.test_list else None, place.uncertain, place.views)
    harmonized = read_source(source, Path(place.labels), options)
    if place.test_list and not Path(place.test_list).is_relative_to(place.labels):
        print(f"data.sources.{source}: a change inside test_list goes unnoticed; let labels name its folder")
    write_parquet(f"data/labels/{source}.parquet", harmonized.table)
    write_json(f"data/labels/{source}.json", describe(harmonized))
    print(f"{source}: {len(harmonized.table):,} images, {sum(harmonized.dropped.values()):,} rows dropped")


def describe(harmonized: Harmonized) -> dict[str, object]:
    """Return the counts of a source; ``rows`` are those of its label files, dropped ones included."""
    summary = summarise(harmonized.table)
    classes = {
        name: {**counts, "uncertain": harmonized.uncertain.get(name, 0)}
        for name, counts in summary["classes"].items()
    }
    return {
        "rows": len(harmonized.table) + sum(harmonized.dropped.values()),
        **summary,
        "dropped": harmonized.dropped,
        "official": dict(harmonized.official),
        "unused": harmonized.unused,
        "known": list(harmonized.known),
        "classes": classes,
    }


if __name__ == "__main__":
    run_stage(main)
