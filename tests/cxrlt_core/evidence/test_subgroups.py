import numpy as np
import pandas as pd
import pytest

from cxrlt_core.evidence.subgroups import AGES, age_groups, groups_of, sex_groups

PEOPLE = {"view": ["PA", "LATERAL", "FRONTAL", "OTHER"], "sex": ["F", "M", "", "F"]}
TOLD = pd.DataFrame({**PEOPLE, "age": [17.99, 18.0, 90.0, np.nan]})


def members(groups: dict[str, np.ndarray]) -> dict[str, list[int]]:
    return {name: np.flatnonzero(which).tolist() for name, which in groups.items()}


def test_everybody_is_in_one_group_and_whom_nobody_tells_in_one_of_their_own():
    kinds = groups_of(TOLD)
    assert list(kinds) == ["view", "sex", "age"]
    assert members(kinds["view"]) == {"frontal": [0, 2], "lateral": [1]}  # OTHER is in neither
    assert members(kinds["sex"]) == {"female": [0, 3], "male": [1], "unknown": [2]}
    assert members(kinds["age"]) == {"0–17": [0], "18–39": [1], "80+": [2], "unknown": [3]}


@pytest.mark.parametrize(
    ("ages", "group"),
    [((0, 17), "0–17"), ((18, 39.9), "18–39"), ((40, 59), "40–59"), ((60, 79), "60–79"), ((80, 120), "80+")],
)
def test_bands_meet_and_do_not_overlap(ages, group):
    assert members(age_groups(ages)) == {name: [0, 1] if name == group else [] for name in [*AGES, "unknown"]}


def test_a_source_that_tells_nothing_has_no_groups_of_it():
    assert list(groups_of(TOLD.drop(columns=["sex", "age"]))) == ["view"]
    assert list(groups_of(TOLD.assign(sex="", age=np.nan))) == ["view"]
    assert list(groups_of(TOLD.assign(view="OTHER"))) == ["sex", "age"]
    assert members(sex_groups([])) == {"female": [], "male": [], "unknown": []}
