"""Subgroups of sets: who is in them, and the rows of Table 2 of which they are told."""

from cxrlt_core.evidence.subgroups import Groups, groups_of
from cxrlt_core.params.schema import Params
from cxrlt_core.people import PERSON
from cxrlt_core.system.files import read_parquet
from stages.artifacts.sets import LabelledSet


def told_rows(params: Params) -> list[str]:
    """Return the rows of which the report may show subgroups: those that are published, if any is."""
    published = [row.name for row in params.table2 if row.published is not None]
    return published or [row.name for row in params.table2]


def own_groups(data: LabelledSet) -> dict[str, Groups]:
    """Return the groups of the development or test set, of which the label table of its source knows more."""
    [source] = data.table["source"].unique()
    labels = read_parquet(f"data/labels/{source}.parquet")
    people = labels[["image_id", *(name for name in PERSON if name in labels)]]
    return groups_of(data.table.merge(people, on="image_id", how="left", validate="one_to_one"))
