import numpy as np

from cxrlt_core.serving.operating_point import OperatingPoint

CLASSES = ["a", "b", "c"]


def test_is_read_as_it_was_written():
    point = OperatingPoint(np.array([0.25, np.nan, 0.5]), 1.5)
    content = point.to_json(CLASSES)
    assert content == {"temperature": 1.5, "thresholds": {"a": 0.25, "b": None, "c": 0.5}}
    again = OperatingPoint.from_json(content, CLASSES)
    np.testing.assert_array_equal(again.thresholds, point.thresholds)
    assert again.temperature == 1.5 and again.known


def test_nothing_known_says_nothing():
    point = OperatingPoint.from_json(None, CLASSES)
    assert not point.known
    assert (point.present(np.full((2, 3), 0.9)) == "").all()
    assert np.isnan(point.scaled(np.full((2, 3), 0.9))).all()


def test_at_the_threshold_a_finding_is_present_in_single_precision():
    threshold = 0.1 + 1e-12  # of the float64 probabilities that it was chosen among
    point = OperatingPoint(np.array([threshold, 0.5, np.nan]), 1.0)
    found = point.present(np.array([[threshold, 0.49, 0.9]], np.float32))
    assert found.tolist() == [["yes", "no", ""]]


def test_the_temperature_divides_the_logits():
    p = np.array([[0.0, 1.0, 0.9]], np.float32)
    found = OperatingPoint(np.zeros(3), 2.0).scaled(p)
    np.testing.assert_allclose(found, [[0, 1, 0.75]], atol=1e-6)  # odds of 9 become 3
    np.testing.assert_allclose(OperatingPoint(np.zeros(3), 1.0).scaled(p), p, atol=1e-7)
