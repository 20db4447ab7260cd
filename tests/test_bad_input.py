"""Every bad input ends in its line; `make bad-input` lists them all."""

import pytest

from tests.bad_input import ROOMS

CASES = [(room, case) for room, (_, cases) in ROOMS.items() for case in cases]


@pytest.mark.parametrize(("room", "case"), CASES, ids=[f"{room}-{case.what}" for room, case in CASES])
def test_a_bad_input_is_one_line(tmp_path, room, case):
    line = case.refusal(tmp_path)
    assert case.expects(line), line
    assert "\n" not in line and len(line) < 600


def test_there_are_many_and_no_two_are_one():
    assert len(CASES) >= 120
    assert len({(room, case.what) for room, case in CASES}) == len(CASES)
