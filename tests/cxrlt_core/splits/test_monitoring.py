import numpy as np
import pandas as pd
import pytest

from cxrlt_core.splits.carving import MOST, monitored


def development(patients: int, images: int = 3) -> pd.DataFrame:
    names = np.repeat([f"mimic/p{n}" for n in range(patients)], images)
    order = np.random.default_rng(0).permutation(len(names))
    return pd.DataFrame({"patient_id": names[order], "image_id": np.arange(len(names))})


def test_whole_patients_up_to_a_thousand_images_in_the_sets_order():
    table = development(900)
    sample = monitored(table)
    sizes = sample["patient_id"].value_counts()
    assert MOST - 3 < len(sample) <= MOST and (sizes == 3).all()
    assert sample.equals(table[table["patient_id"].isin(sizes.index)])
    assert sample["patient_id"].tolist() != table["patient_id"][: len(sample)].tolist()


def test_a_small_set_is_its_own_sample():
    table = development(MOST // 3)
    assert monitored(table).equals(table)


def test_it_follows_from_the_patients_alone_and_one_more_changes_little():
    table = development(900)
    shuffled = table.sample(frac=1, random_state=1)
    assert set(monitored(shuffled)["image_id"]) == set(monitored(table)["image_id"])
    before, after = monitored(table), monitored(pd.concat([table, development(901)[-3:]]))
    assert len(set(before["patient_id"]) ^ set(after["patient_id"])) <= 2


@pytest.mark.parametrize("images", [1, MOST, MOST + 500])
def test_one_patient_is_there_however_many_images(images):
    assert len(monitored(development(1, images))) == images
