import pytest

from cxrlt_core.system.text import counts, duration, number, p_value, percent, sentence, signed, with_error


@pytest.mark.parametrize(
    ("write", "values"),
    [
        (sentence, {"": "", "a": "a", "ab": "a and b", "abcd": "a, b, c and d",
                    "abcdef": "a, b, c and 3 more"}),
        (duration, {0.4: "0 s", 119: "119 s", 120: "2 min", 7199: "120 min", 7200: "2.0 h"}),
        (p_value, {None: "–", 1e-9: "<0.001", 0.0004: "<0.001", 0.0006: "0.001", 0.2: "0.200"}),
        (lambda value: number(value, 3), {None: "–", 0.5: "0.500"}),
        (signed, {None: "–", 0.5: "+0.5000"}),
        (percent, {None: "–", 0.5: "50.0%"}),
        (lambda value: with_error(value, value and 0.01), {None: "–", 0.5: "0.5000 ± 0.0100"}),
        (lambda n: counts({"PA": 1200 * n, "AP": 0, "L": 7 * n}), {1: "1,200 PA, 7 L", 0: "none"}),
    ],
)  # fmt: skip
def test_what_is_written_of_values(write, values):
    assert {value: write(value) for value in values} == values
