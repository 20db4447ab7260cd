import pytest

from cxrlt_core.system.text import counts, duration, number, p_value, percent, sentence, signed, with_error


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (list("abcdef"), "a, b, c and 3 more"),
    ],
)
def test_names_in_a_sentence(names, text):
    assert sentence(names) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2.0 h")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_p_values_are_never_zero():
    values = [p_value(p) for p in (None, 1e-9, 0.0004, 0.0006, 0.2)]
    assert values == ["–", "<0.001", "<0.001", "0.001", "0.200"]


def test_what_is_undefined_is_a_dash():
    assert number(None) == signed(None) == percent(None) == with_error(None, None) == "–"
    assert (number(0.5, 3), signed(0.5), percent(0.5), with_error(0.5, 0.01)) == (
        "0.500", "+0.5000", "50.0%", "0.5000 ± 0.0100",
    )  # fmt: skip


def test_counts_leave_out_what_there_is_none_of():
    assert counts({"PA": 1200, "AP": 0, "LATERAL": 7}) == "1,200 PA, 7 LATERAL" and counts({}) == "none"
