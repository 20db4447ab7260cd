"""Read the label files of one source into the common label space.

Usage: python -m stages.harmonize <source>
"""

from pathlib import Path

from cxrlt_core.labels import classes_in, count_labels
from cxrlt_core.params.label_space import LabelSpace
from cxrlt_core.params.schema import Params
from cxrlt_core.people import without_people
from cxrlt_core.sources import Harmonized, Options, read_source
from cxrlt_core.sources.label_table import VIEWS
from cxrlt_core.study.sources import source_entry
from cxrlt_core.system import text
from cxrlt_core.system.files import write_json, write_parquet
from stages.artifacts.border import run_stage

MOST = 40  # names in a line; reports/data.md has all of them


def main(params: Params, source: str) -> None:
    """Write data/labels/<source>.parquet and, with its counts, data/labels/<source>.json."""
    harmonized = read(params, source, params.label_space)
    write_parquet(f"data/labels/{source}.parquet", harmonized.table)
    write_json(f"data/labels/{source}.json", source_counts(harmonized))


def read(params: Params, source: str, space: LabelSpace) -> Harmonized:
    """Read the labels of a source, or of an external set, and print how much that is."""
    key, entry = source_entry(params, source)
    test_list = Path(entry.test_list) if entry.test_list else None
    options = Options(space, test_list, entry.uncertain, entry.views, entry.own)
    harmonized = read_source(source, Path(entry.labels), options, entry.reader, key)
    if entry.test_list and not Path(entry.test_list).is_relative_to(entry.labels):
        print(f"{key}: a change inside test_list goes unnoticed; let labels name its folder")
    print(f"{source}: {len(harmonized.table):,} images, {sum(harmonized.dropped.values()):,} rows dropped")
    if harmonized.unread:
        print(f"{source}: labels of no class, left out: {text.sentence(list(harmonized.unread), MOST)}")
    if unknown := [name for name in space.classes if name not in harmonized.known]:
        print(f"{source}: classes that it does not know, so unknown: {text.sentence(unknown, MOST)}")
    return harmonized


def source_counts(harmonized: Harmonized) -> dict[str, object]:
    """Return the counts of a source; ``rows`` are those of its label files, dropped ones included."""
    table = harmonized.table
    counts = count_labels(table, classes_in(without_people(table)))
    views = {view: int((table["view"] == view).sum()) for view in VIEWS["all"]}
    classes = counts.pop("classes")
    for name, states in classes.items():
        states["uncertain"] = harmonized.uncertain.get(name, 0)
    return {
        "rows": len(table) + sum(harmonized.dropped.values()),
        **counts,
        "views": views,
        "classes": classes,
        "dropped": harmonized.dropped,
        "official": dict(harmonized.official),
        "unused": harmonized.unused,
        "unread": dict(harmonized.unread),
        "known": list(harmonized.known),
        "related": harmonized.related,
    }


if __name__ == "__main__":
    run_stage(main)
