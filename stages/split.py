"""Join labels and packed images, and cut the training, development and test sets.

Usage: python -m stages.split
"""

import json

import pandas as pd

from cxrlt_core.errors import StudyError
from cxrlt_core.files import read_json, read_parquet, read_parquet_metadata, write_json, write_parquet
from cxrlt_core.labels import CLASSES, group_classes
from cxrlt_core.metrics import or_none
from cxrlt_core.params import Params
from cxrlt_core.replenishment import replenish, usable_rows
from cxrlt_core.reweight import uniform_weights
from cxrlt_core.splits import assign_splits, check_sets, count_labels, label_space, training_prevalence
from stages.common import run_stage


def main(params: Params) -> None:
    """Write data/sets/, data/summary.json and weights/uniform.json."""
    tables = {source: packed_labels(source) for source in params.used_sources}
    primary = tables.pop(params.data.primary)
    classes = label_space(primary)
    if not classes:
        raise StudyError(f"data.primary: no label of {params.data.primary!r} is known")
    splits = assign_splits(primary, classes, params.data.splits)
    sets = {name: primary[splits == name] for name in ("train", "dev", "test")}
    check_sets(sets)
    sets["train_primary"] = sets.pop("train")
    sets["train_replenished"] = replenish(sets["train_primary"], tables, classes)
    for name, table in sets.items():
        write_set(name, table, classes)
    prevalence = training_prevalence(sets["train_primary"], classes)
    groups = group_classes(prevalence, params.data.groups.head, params.data.groups.tail)
    described = {c: {"group": groups[c], "prevalence": or_none(prevalence[c])} for c in classes}
    write_json("data/sets/classes.json", described)
    write_json("weights/uniform.json", uniform_weights(classes))
    held_out = {source: int((~usable_rows(t, classes)).sum()) for source, t in tables.items()}
    write_json("data/summary.json", summarise(params, sets, classes, held_out))


def packed_labels(source: str) -> pd.DataFrame:
    """Return the label table of a source, without rejected images, with ``source`` and ``row``."""
    labels = read_parquet(f"data/labels/{source}.parquet")
    index = read_parquet(f"data/packed/{source}.parquet", columns=["image_id", "row"])
    table = labels.merge(index.dropna(), on="image_id", validate="one_to_one")
    return table.assign(source=source, row=table["row"].astype("int64"))


def write_set(name: str, table: pd.DataFrame, classes: list[str]) -> None:
    """Write one set; it names the packed arrays that its rows point into."""
    sources = list(table["source"].unique())
    marks = {s: read_parquet_metadata(f"data/packed/{s}.parquet")["fingerprint"] for s in sources}
    columns = [c for c in table.columns if c not in CLASSES]
    metadata = {"fingerprints": json.dumps(marks)}
    write_parquet(f"data/sets/{name}.parquet", table[columns + classes], metadata)


def summarise(params: Params, sets: dict, classes: list[str], held_out: dict[str, int]) -> dict:
    """Count every source as it was read and every set as it is used."""
    sources = {source: read_json(f"data/labels/{source}.json") for source in params.used_sources}
    for source, entry in sources.items():
        reasons = read_parquet(f"data/packed/{source}.parquet", columns=["reason"])["reason"]
        entry["rejected_images"] = {str(k): int(v) for k, v in reasons.value_counts().items()}
        entry["held_out"] = held_out.get(source, 0)
    counted = {name: count_labels(table, classes) for name, table in sets.items()}
    return {"classes": classes, "sources": sources, "sets": counted}


if __name__ == "__main__":
    run_stage(main)
