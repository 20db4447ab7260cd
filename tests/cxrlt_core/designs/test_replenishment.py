import pandas as pd
import pytest

from cxrlt_core.designs.replenishment import replenish, usable_rows
from cxrlt_core.labels import CLASSES
from cxrlt_core.losses.bce import bce

STUDIED = ["Edema", "Hernia"]


def label_table(source: str, splits: list, edema: list[int], hernia: list[int]) -> pd.DataFrame:
    n = len(splits)
    table = pd.DataFrame(
        {
            "image_id": [f"{source}/{i}" for i in range(n)],
            "patient_id": [f"{source}-{i}" for i in range(n)],
            "split": pd.Series(splits, dtype="object"),
            **{name: pd.Series([-1] * n, dtype="int8") for name in CLASSES},
            "source": source,
            "row": range(n),
        }
    )
    return table.assign(
        Edema=pd.Series(edema, dtype="int8"),
        Hernia=pd.Series(hernia, dtype="int8"),
        Mass=pd.Series([1] * n, dtype="int8"),
    )


@pytest.fixture
def primary() -> pd.DataFrame:
    table = label_table("mimic", ["train", "train", None], [1, 0, 0], [0, 1, 0])
    return table.set_index(pd.Index([7, 3, 5]))


@pytest.fixture
def extra() -> pd.DataFrame:
    return label_table(
        "nih", [None, "train", "test", "dev", None, None], [1, 0, 1, 1, -1, -1], [-1, 1, 0, 0, 0, -1]
    )


def test_adds_training_rows_and_keeps_official_test_and_dev_rows_out(primary, extra):
    table = replenish(primary, {"nih": extra}, STUDIED)
    assert table["image_id"].tolist() == ["mimic/0", "mimic/1", "mimic/2", "nih/0", "nih/1", "nih/4"]


def test_primary_rows_come_first_and_unchanged(primary, extra):
    before = primary.copy(deep=True)
    table = replenish(primary, {"nih": extra}, STUDIED)
    pd.testing.assert_frame_equal(table.iloc[:3].reset_index(drop=True), before.reset_index(drop=True))
    pd.testing.assert_frame_equal(primary, before)


def test_a_row_without_a_label_of_the_label_space_stays_out(extra):
    assert usable_rows(extra, STUDIED).tolist() == [True, True, False, False, True, False]
    assert usable_rows(extra, ["Hernia"]).tolist() == [False, True, False, False, True, False]


def test_sources_follow_each_other_and_labels_stay_int8(primary, extra):
    other = label_table("chexpert", [None], [0], [-1])
    table = replenish(primary, {"nih": extra, "chexpert": other}, STUDIED)
    assert table["source"].tolist() == ["mimic"] * 3 + ["nih"] * 3 + ["chexpert"]
    assert (table[list(CLASSES)].dtypes == "int8").all()
    assert table["row"].dtype == "int64"


def test_columns_are_those_of_the_primary_in_its_order(primary, extra):
    shuffled = extra[extra.columns[::-1]].assign(only_here=1)
    table = replenish(primary, {"nih": shuffled}, STUDIED)
    assert list(table.columns) == list(primary.columns)
    assert table["Edema"].tolist() == [1, 0, 0, 1, 0, -1]


def test_without_extras_nothing_changes(primary):
    pd.testing.assert_frame_equal(replenish(primary, {}, STUDIED), primary.reset_index(drop=True))


def test_unknown_classes_of_an_extra_are_masked_in_the_loss(primary, extra):
    import torch

    targets = torch.from_numpy(replenish(primary, {"nih": extra}, STUDIED)[STUDIED].to_numpy("int8"))
    logits = torch.zeros(targets.shape, requires_grad=True)
    bce(logits, targets, torch.ones(2))[0].backward()
    assert torch.equal(logits.grad == 0, targets == -1)
