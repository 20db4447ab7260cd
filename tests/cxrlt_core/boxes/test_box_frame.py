import numpy as np
import pytest
from PIL import Image

from cxrlt_core.boxes.frame import fit_boxes, image_size
from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.system.errors import StudyError
from tests.cxrlt_core.packing.pictures import write_dicom

SIZE = 64


def box_in(width: int, height: int) -> list[int]:
    """Left, top, right and bottom of a box, off the middle, in pixels."""
    return [round(width * 0.35), round(height * 0.3), round(width * 0.7), round(height * 0.45)]


def drawn(path, width: int, height: int, turn: int | None = None) -> None:
    """A white rectangle on black, in a file whose EXIF says how it is turned to stand upright."""
    pixels = np.zeros((height, width), np.uint8)
    left, top, right, bottom = box_in(width, height)
    pixels[top:bottom, left:right] = 255
    if path.suffix == ".dicom":
        write_dicom(path, pixels)
        return
    image, exif = Image.fromarray(pixels), Image.Exif()
    if turn:
        image, exif[0x0112] = image.transpose(Image.Transpose.ROTATE_90), turn  # undone by a turn of 270°
    image.save(path, exif=exif, **({"quality": 95} if path.suffix == ".jpg" else {}))


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize(
    ("name", "width", "height", "turn"),
    [
        ("a.png", 200, 120, None),
        ("a.png", 181, 257, None),
        ("a.jpg", 1000, 601, None),
        ("a.jpg", 300, 200, 6),
        ("a.dicom", 200, 160, None),
    ],
)
def test_a_box_lies_where_packing_puts_its_pixels(tmp_path, fit, name, width, height, turn):
    path, geometry = tmp_path / name, Geometry(SIZE, fit)
    drawn(path, width, height, turn)
    assert image_size(path) == (width, height)
    [box] = fit_boxes(np.array([box_in(width, height)]), np.array([(width, height)]), geometry)
    light = decode(path, geometry) > 127
    for axis, first, last in ((0, box[0], box[2]), (1, box[1], box[3])):
        there = np.flatnonzero(light.any(axis))
        assert [there[0], there[-1] + 1] == pytest.approx([first * SIZE, last * SIZE], abs=0.6)
    assert box.dtype == np.float32


def test_what_lies_beyond_the_image_or_is_cut_off_is_left_out():
    boxes = np.array([(-20, -20, 20, 500), (0, 0, 30, 100), (190, 10, 260, 20)])
    sizes = np.tile((200, 100), (3, 1))
    squashed = fit_boxes(boxes, sizes, Geometry(SIZE, "squash"))
    assert squashed[0].tolist() == pytest.approx([0, 0, 0.1, 1])
    assert squashed[2].tolist() == pytest.approx([0.95, 0.1, 1, 0.2])
    assert np.isnan(fit_boxes(boxes, sizes, Geometry(SIZE, "crop"))).all()  # which keeps 50 to 150
    padded = fit_boxes(boxes, sizes, Geometry(SIZE, "pad"))
    assert padded[0].tolist() == pytest.approx([0, 0.25, 0.1, 0.75])


def test_a_file_without_a_size_is_a_line(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"no image")
    with pytest.raises(StudyError, match=r"a\.png: no width and height to be read: cannot identify"):
        image_size(path)
