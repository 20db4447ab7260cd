import pandas as pd
import pytest
import torch

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.designs.replenishment import replenish, usable_rows
from cxrlt_core.losses.bce import bce

STUDIED = ["Edema", "Hernia"]


def label_table(source: str, splits: list, edema: list[int], hernia: list[int]) -> pd.DataFrame:
    n = len(splits)
    ids = {f"{key}_id": [f"{source}/{i}" for i in range(n)] for key in ("image", "patient")}
    labels = {**dict.fromkeys(CLASSES, [-1] * n), "Edema": edema, "Hernia": hernia, "Mass": [1] * n}
    table = pd.DataFrame(ids).assign(split=pd.Series(splits, dtype="object"))
    return table.join(pd.DataFrame(labels, dtype="int8")).assign(source=source, row=range(n))


@pytest.fixture
def primary() -> pd.DataFrame:
    table = label_table("mimic", ["train", "train", None], [1, 0, 0], [0, 1, 0])
    return table.set_index(pd.Index([7, 3, 5]))


@pytest.fixture
def extra() -> pd.DataFrame:
    return label_table(
        "nih", [None, "train", "test", "dev", None, None], [1, 0, 1, 1, -1, -1], [-1, 1, 0, 0, 0, -1]
    )


def test_adds_training_rows_after_the_primary_ones_and_keeps_official_test_and_dev_rows_out(primary, extra):
    before = primary.copy(deep=True)
    table = replenish(primary, {"nih": extra}, STUDIED)
    assert table["image_id"].tolist() == ["mimic/0", "mimic/1", "mimic/2", "nih/0", "nih/1", "nih/4"]
    pd.testing.assert_frame_equal(table.iloc[:3].reset_index(drop=True), before.reset_index(drop=True))
    pd.testing.assert_frame_equal(primary, before)
    pd.testing.assert_frame_equal(replenish(primary, {}, STUDIED), primary.reset_index(drop=True))
    targets = torch.from_numpy(table[STUDIED].to_numpy("int8", copy=True))
    logits = torch.zeros(targets.shape, requires_grad=True)
    bce(logits, targets, torch.ones(2))[0].backward()
    assert torch.equal(logits.grad == 0, targets == -1)  # the loss leaves out what a source does not know


def test_a_row_without_a_label_of_the_label_space_stays_out(extra):
    assert usable_rows(extra, STUDIED).tolist() == [True, True, False, False, True, False]
    assert usable_rows(extra, ["Hernia"]).tolist() == [False, True, False, False, True, False]


def test_sources_follow_each_other_in_the_columns_of_the_primary(primary, extra):
    shuffled = extra[extra.columns[::-1]].assign(only_here=1)
    other = label_table("chexpert", [None], [0], [-1])
    table = replenish(primary, {"nih": shuffled, "chexpert": other}, STUDIED)
    assert list(table.columns) == list(primary.columns)
    assert table["Edema"].tolist() == [1, 0, 0, 1, 0, -1, 0]
    assert table["source"].tolist() == ["mimic"] * 3 + ["nih"] * 3 + ["chexpert"]
    assert (table[list(CLASSES)].dtypes == "int8").all()
    assert table["row"].dtype == "int64"
