"""Sex and age of a set are in the label table of its source, and its rows stand in another order."""

import numpy as np
import pandas as pd

from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import write_parquet
from stages.artifacts.sets import LabelledSet
from stages.artifacts.subgroups import own_groups, told_rows
from tests.bad_input.params import SMOKE


def test_groups_are_in_the_order_of_the_set_and_of_what_its_source_tells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"image_id": ["n/2", "n/0"], "view": "PA", "source": "n", "Edema": 1})
    data = LabelledSet("test", table, np.ones((2, 1), np.int8), ["Edema"])
    labels = pd.DataFrame({"image_id": ["n/0", "n/1", "n/2"], "Edema": 1})
    write_parquet("data/labels/n.parquet", labels)
    assert list(own_groups(data)) == ["view"]
    write_parquet("data/labels/n.parquet", labels.assign(sex=["F", "", "M"], age=[np.nan, 5.0, 30.0]))
    kinds = own_groups(data)
    assert {name: which.tolist() for name, which in kinds["sex"].items()} == {
        "female": [False, True], "male": [True, False],
    }  # fmt: skip
    assert {name: which.tolist() for name, which in kinds["age"].items()} == {
        "18–39": [True, False], "unknown": [False, True],
    }  # fmt: skip


def test_subgroups_are_told_of_published_rows_if_there_are_any():
    smoke = parse_params(SMOKE)
    names = [row.name for row in smoke.table2]
    assert told_rows(smoke) == [row.name for row in smoke.table2 if row.published is not None] != []
    rows = [row.model_copy(update={"published": None}) for row in smoke.table2]
    assert told_rows(smoke.model_copy(update={"table2": rows})) == names
