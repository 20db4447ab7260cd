from dataclasses import dataclass

import numpy as np
import pytest

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json
from cxrlt_core.system.records import Number, read_record, to_json


@dataclass(frozen=True)
class Part:
    size: Number
    names: list[str]


@dataclass(frozen=True)
class Whole:
    parts: dict[str, Part]


def test_a_record_comes_back_from_its_file(tmp_path):
    whole = Whole({"a": Part(0.5, ["x"]), "b": Part(np.nan, [])})
    write_json(tmp_path / "whole.json", to_json(whole))
    again = read_record(Whole, tmp_path / "whole.json")
    assert again.parts["a"] == whole.parts["a"] and np.isnan(again.parts["b"].size)


def test_a_file_of_another_kind_is_one_line_with_its_place(tmp_path):
    write_json(tmp_path / "whole.json", {"parts": {"a": {"size": 1.0}}})
    with pytest.raises(StudyError, match=r"whole\.json: parts\.a\.names: Field required"):
        read_record(Whole, tmp_path / "whole.json")
