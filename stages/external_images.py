"""Read the labels of one external set and pack its images: a set that nothing trains on.

Its images are looked at when the stage runs, not every time that the pipeline does: it runs again with
dvc repro --force external_images@<external set>.

Usage: python -m stages.external_images <external set>
"""

from dataclasses import replace

import pandas as pd

from cxrlt_core.label_space import with_near
from cxrlt_core.params.schema import External, Params
from cxrlt_core.sources import Harmonized
from cxrlt_core.study.recipes import geometries
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json, write_parquet
from cxrlt_core.system.text import counts
from stages.artifacts.border import run_stage
from stages.artifacts.paths import external_path, geometry_name
from stages.harmonize import read, source_counts
from stages.pack import pack

IDS = ("image_id", "patient_id", "study_id")


def main(params: Params, name: str) -> None:
    """Write data/external/<name>/: the set, its counts, and an index for each further size and fit in use."""
    entry = params.data.external[name]
    harmonized = only_part(name, entry, read(params, name, with_near(params.label_space)))
    table = harmonized.table
    if entry.hospital is not None:  # its patients are called as there
        table = table.assign(**{key: f"{entry.hospital}/" + table[key].str.partition("/")[2] for key in IDS})
    used = {geometry_name(image): image for image in (params.image, *geometries(params).values())}
    for geometry, image in used.items():
        index = pack(params, name, image, table[["image_id", "path"]])
        if image == params.image:
            write_parquet(external_path(name), packed(name, table, index))
        else:
            write_parquet(external_path(name, f"{geometry}.parquet"), index)
    write_json(external_path(name, "counts.json"), source_counts(harmonized))


def only_part(name: str, entry: External, harmonized: Harmonized) -> Harmonized:
    """Return the official part that is asked for; StudyError when the set has none."""
    if entry.split is None:
        return harmonized
    splits = harmonized.table["split"].fillna("of none")
    part = splits == entry.split
    if not part.any():
        found = counts(splits.value_counts().to_dict())
        raise StudyError(f"data.external.{name}.split: no image of {entry.split}, found {found}")
    dropped = {**harmonized.dropped, f"not of {entry.split}": int((~part).sum())}
    return replace(harmonized, table=harmonized.table[part].reset_index(drop=True), dropped=dropped)


def packed(name: str, table: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Return the labels of the images that are packed, with where they are."""
    places = index.loc[index["row"].notna(), ["image_id", "row", "digest"]]
    joined = table.merge(places, on="image_id", validate="one_to_one")
    return joined.assign(source=name, row=joined["row"].astype("int64"))


if __name__ == "__main__":
    run_stage(main)
