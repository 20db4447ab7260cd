import numpy as np
import pytest
from test_phantom import QUIET, population

from cxrlt_core.demo.boxes import bounding_boxes, read_boxes, write_boxes
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.lesions import PAINTERS
from cxrlt_core.demo.phantom import render_images
from cxrlt_core.params.schema import Demo, DemoImages

DEMO = Demo(
    sources=["mimic"], text_encoders=[], seed=3, size=32, images=DemoImages(train=1, dev=1, test=1, extra=1)
)


def drawn(names: tuple[str, ...], views: list[str]) -> tuple[np.ndarray, np.ndarray]:
    found = list(render_images(population(views, names), 64, QUIET, np.random.default_rng(0)))
    return np.stack([picture for picture, _ in found]), np.stack([boxes for _, boxes in found])


def test_a_box_holds_what_is_at_least_half_as_strong():
    amount = np.zeros((3, 8, 8), np.float32)
    amount[0, 2:5, 6] = [-0.5, -1, -0.4]
    amount[1, 0, 0] = 0.001  # nobody can see it
    found = bounding_boxes(amount)
    assert found[0].tolist() == [6 / 8, 2 / 8, 7 / 8, 4 / 8]
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("name", ["Mass", "Nodule", "Pneumothorax", "Calcification of the Aorta"])
def test_what_a_finding_changes_lies_in_its_box(name):
    views = ["PA"] * 6 + ["LATERAL"] * 6
    without, shown = drawn((), views)[0], drawn((name,), views)[0]
    boxes = drawn((name,), views)[1][:, CLASSES.index(name)]
    share = []
    for change, box in zip(np.abs(shown.astype(float) - without), boxes, strict=True):
        left, top, right, bottom = np.rint(box * 64).astype(int)
        row, column = np.unravel_index(change.argmax(), change.shape)
        assert left - 1 <= column <= right and top - 1 <= row <= bottom
        share.append(change[top:bottom, left:right].sum() / change.sum())
    assert np.mean(share) > 0.6


def test_only_what_is_painted_has_a_place():
    boxes = drawn(CLASSES, ["PA"] * 3)[1]
    placed = {CLASSES[c] for c in np.flatnonzero(np.isfinite(boxes).all((0, 2)))}
    assert placed <= set(PAINTERS) and len(placed) > 20
    assert np.isnan(drawn((), ["PA"] * 3)[1]).all()


def test_places_are_read_in_the_order_of_a_set(tmp_path):
    path, boxes = tmp_path / "places.parquet", np.full((2, len(CLASSES), 4), np.nan, np.float32)
    boxes[0, CLASSES.index("Mass")], boxes[1, CLASSES.index("Edema")] = [0, 0, 0.5, 1], [0.25, 0, 1, 1]
    write_boxes(path, ["a", "b"], boxes)
    found = read_boxes(path, ["x", "b", "a"], ["Mass", "Hernia"])
    assert found[2, 0].tolist() == [0, 0, 0.5, 1] and np.isfinite(found).sum() == 4
