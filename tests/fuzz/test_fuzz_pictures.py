"""Any image file gives pixels or a reason."""

import os
import struct
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread, uid

from cxrlt_core.packing.decode import Geometry, decode
from tests.bad_input.pictures import encoded
from tests.cxrlt_core.packing.pictures import png16, radiograph, write_dicom
from tests.fuzz.bounds import outcome
from tests.fuzz.mutations import NUMBERS, changed_bytes, changed_png

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # noise

GREY = radiograph(48, 40)
DEEP = GREY.astype(np.uint16) * 16
COLOUR = np.dstack([GREY, GREY[::-1], GREY])
SIZE = 32


EXIF = Image.Exif()
EXIF[0x0112], EXIF[0x010E] = 6, "text"
JPEGS = {
    "baseline": encoded(GREY, "JPEG", quality=95),
    "progressive": encoded(GREY, "JPEG", progressive=True, optimize=True),
    "turned": encoded(GREY, "JPEG", exif=EXIF, restart_marker_rows=1, comment=b"\xff\x01\xff\xda"),
    "colour": encoded(COLOUR, "JPEG", "RGB"),
    "CMYK": encoded(COLOUR, "JPEG", "CMYK"),
}
PNGS = {mode: encoded(COLOUR, "PNG", mode) for mode in ("L", "RGB", "RGBA", "LA", "P", "1")}
with TemporaryDirectory() as name:
    png16(Path(name) / "a.png", 0, DEEP)
    PNGS["16 bits"] = (Path(name) / "a.png").read_bytes()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures") / "picture"


JPEG = {"syntax": uid.JPEGBaseline8Bit, "content": JPEGS["baseline"]}
SIGNED = {"RescaleSlope": 2, "RescaleIntercept": -7, "PixelPaddingValue": 3}
#: Pixels and attributes of DICOM files.
KINDS = {
    "grey": (DEEP, {"bits": 12, "WindowCenter": [2000, 100], "WindowWidth": [900, 50]}),
    "signed": (DEEP.astype(np.int16), SIGNED),
    "inverted": (GREY, {"PhotometricInterpretation": "MONOCHROME1"}),
    "of three colours": (COLOUR, {}),
    "JPEG": (GREY, JPEG),
    "big endian": (DEEP.byteswap(), {"syntax": uid.ExplicitVRBigEndian}),
}


@cache
def sound(kind):
    """A file of a kind."""
    if kind in KINDS:
        pixels, fields = KINDS[kind]
        write_dicom(stream := BytesIO(), pixels, **fields)
        return stream.getvalue()
    return JPEGS[kind] if kind in JPEGS else PNGS[kind]


def check(path, content, fit):
    path.write_bytes(content)
    pixels = outcome(lambda: decode(path, Geometry(SIZE, fit)))
    if pixels is not None:
        assert pixels.shape == (SIZE, SIZE) and pixels.dtype == np.uint8


FITS = st.sampled_from(["squash", "crop", "pad"])


@given(data=st.data(), fit=FITS)
@pytest.mark.parametrize("kind", [*JPEGS, *PNGS, *KINDS])
def test_a_picture_gives_pixels_or_a_reason(path, kind, data, fit):
    content = sound(kind)
    changed = changed_bytes(content)
    check(path, data.draw(changed_png(content) | changed if kind in PNGS else changed), fit)


#: Attributes that decide how pixels are read, and what they may hold.
COUNTS = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel")
COUNTS += ("PixelRepresentation", "PlanarConfiguration", "PixelPaddingValue", "PixelPaddingRangeLimit")
VALUES = {
    **dict.fromkeys(COUNTS, NUMBERS),
    "NumberOfFrames": st.sampled_from([0, 1, 2, 10**9]),
    "PhotometricInterpretation": st.sampled_from(["MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "", "X"]),
    "VOILUTFunction": st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID", "", "X"]),
    **dict.fromkeys(
        ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept"),
        st.floats(-1e6, 1e6) | st.sampled_from(["", "0", "1e300", "-1e300", "nan", "inf", "-inf", [1, 2]]),
    ),
}


@given(data=st.data(), fit=FITS)
@pytest.mark.parametrize("kind", KINDS)
def test_dicom_attributes_give_pixels_or_a_reason(path, kind, data, fit):
    dataset, stream = dcmread(BytesIO(sound(kind))), BytesIO()
    chosen = data.draw(st.dictionaries(st.sampled_from([*VALUES]), st.integers(0, 3), min_size=1, max_size=4))
    try:
        for name, left_out in chosen.items():
            setattr(dataset, name, data.draw(VALUES[name]))
            if not left_out:
                delattr(dataset, name)
        dataset.save_as(stream)
    except (ValueError, TypeError, AttributeError, OverflowError, OSError, struct.error):
        reject()  # not to be written either
    check(path, stream.getvalue(), fit)


@given(data=st.data(), size=st.integers(0, 2**24))
@pytest.mark.parametrize("kind", ["baseline", "L", "grey", "JPEG"])
def test_a_hole_costs_neither_time_nor_memory(path, kind, data, size):
    """A file is cut at any place, and made longer by zeros that take no room on the disk."""
    content = sound(kind)
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    os.truncate(path, size)
    outcome(lambda: decode(path, Geometry(SIZE, "squash")))


@pytest.mark.parametrize("kind", [*JPEGS, *PNGS, *KINDS])
def test_a_sound_file_is_decoded(path, kind):
    path.write_bytes(sound(kind))
    assert decode(path, Geometry(SIZE, "squash")).max() > 100
