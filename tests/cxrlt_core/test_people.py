import pandas as pd
import pytest

from cxrlt_core.people import read_age, read_sex, without_people

SEXES = {"F": "F", " f ": "F", "female": "F", "Male": "M", "m": "M"}
SEXES |= dict.fromkeys(["", "2", "1", "O", "U", "Unknown", "woman", "nan"], "")
AGES = {"58": 58, " 058Y": 58, "58.0": 58, "058y": 58, "13M": 13 / 12, "0": 0, "120": 120, "365.25D": 1}
AGES |= dict.fromkeys(["121", "148Y", "-1", "", "Y", "5 to 6", "58 Y.", "nan", "1e1", "9999999", "٥"])


def test_a_sex_has_a_few_spellings_and_any_other_is_unknown():
    assert read_sex(pd.Series([*SEXES])).tolist() == [*SEXES.values()]
    assert read_sex(pd.Series(["2", ""])).tolist() == ["", ""]


def test_an_age_is_in_years_or_as_dicom_writes_it_and_nobody_is_older_than_120():
    for word, expected in AGES.items():
        [found] = read_age(pd.Series([word]))
        assert found == pytest.approx(expected) if expected is not None else pd.isna(found), word


def test_sets_have_neither():
    table = pd.DataFrame({"view": ["PA"], "sex": ["F"], "age": [3.0], "Edema": [1]})
    assert list(without_people(table)) == ["view", "Edema"] == list(without_people(without_people(table)))
