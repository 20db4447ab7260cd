"""Join labels and packed images, and cut the training, development and test sets.

Usage: python -m stages.split
"""

import pandas as pd

from cxrlt_core.designs.replenishment import replenish, usable_rows
from cxrlt_core.designs.reweight import uniform_weights
from cxrlt_core.labels import classes_in, count_labels
from cxrlt_core.packing.packed_array import pictures
from cxrlt_core.params.schema import Params
from cxrlt_core.people import without_people
from cxrlt_core.splits.carving import (
    assign_splits,
    check_sets,
    class_groups,
    describe_splits,
    label_space,
    monitored,
)
from cxrlt_core.splits.leakage import count_repeats, describe_leaks, separate
from cxrlt_core.study.variants import used_sources
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, read_parquet, write_json, write_parquet
from stages.artifacts.border import run_stage
from stages.artifacts.sets import check_labels


def main(params: Params) -> None:
    """Write data/sets/, data/summary.json and weights/uniform.json."""
    extras = {source: packed_labels(source) for source in used_sources(params)}
    primary = extras.pop(params.data.primary)
    classes = label_space(primary)
    if not classes:
        raise StudyError(f"data.primary: no label of {params.data.primary!r} is known")
    splits = assign_splits(primary, classes, params.data.splits)
    found = {name: primary[splits == name] for name in ("train", "dev", "test")}
    found["train"] = replenish(found["train"], extras, classes)
    clean, leaks = separate(found, params.data.leaks)
    own = clean["train"]["source"] == params.data.primary
    sets = {"train_primary": clean["train"][own], "train_replenished": clean["train"]}
    sets |= {name: clean[name] for name in ("dev", "test")}
    check_sets(sets)
    for name, table in {**sets, "monitor": monitored(clean["dev"])}.items():
        write_set(name, table, classes)
    described = class_groups(sets["train_primary"], classes, params.data.groups)
    write_json("data/sets/classes.json", described)
    write_json("weights/uniform.json", uniform_weights(classes))
    replenished = label_space(clean["train"][~own])
    read = read_json(f"data/labels/{params.data.primary}.json")
    summary = {
        "classes": classes,
        "splits": describe_splits(read["official"], read["unused"], params.data.splits),
        "sources": {name: describe_source(name, extras.get(name), classes) for name in used_sources(params)},
        "sets": {name: count_labels(table, classes) for name, table in sets.items()},
        "not_replenished": [name for name in classes if name not in replenished],
        "leaks": describe_leaks(leaks),
        "repeats": {name: count_repeats(table) for name, table in clean.items()},
    }
    write_json("data/summary.json", summary)
    print("images:", ", ".join(f"{name} {len(table):,}" for name, table in sets.items()))


def packed_labels(source: str) -> pd.DataFrame:
    """Return the label table of a source, without rejected images, with what of it is packed."""
    path = f"data/labels/{source}.parquet"
    labels = without_people(read_parquet(path))
    classes = classes_in(labels)
    check_labels(path, labels[classes].to_numpy(), classes)
    index = read_parquet(f"data/packed/{source}.parquet", columns=["image_id", "row", "digest"])
    table = labels.merge(index.dropna(subset="row"), on="image_id", validate="one_to_one")
    row, picture = table["row"].astype("int64"), pictures(table["digest"])
    return table.assign(source=source, row=row, picture=picture)


def write_set(name: str, table: pd.DataFrame, classes: list[str]) -> None:
    """Write one set; by its digests, training notices that pixels are others than they were."""
    columns = [column for column in table if column not in ("picture", *classes_in(table))]
    write_parquet(f"data/sets/{name}.parquet", table[columns + classes])


def describe_source(source: str, extra: pd.DataFrame | None, classes: list[str]) -> dict:
    """Count a source as it was read; ``extra`` is its table where it replenishes training."""
    reasons = read_parquet(f"data/packed/{source}.parquet", columns=["reason"])["reason"]
    return {
        **read_json(f"data/labels/{source}.json"),
        "rejected_images": {str(k): int(v) for k, v in reasons.value_counts().items()},
        "held_out": 0 if extra is None else int((~usable_rows(extra, classes)).sum()),
    }


if __name__ == "__main__":
    run_stage(main)
