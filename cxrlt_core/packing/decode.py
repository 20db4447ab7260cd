"""Decode one image file into a small grey square."""

import math
import os
import re
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base

from cxrlt_core.packing.dicom import is_dicom, read_dicom
from cxrlt_core.system.errors import StudyError, cut

#: Only these decoders of Pillow see a file of the user.
FORMATS = ("JPEG", "PNG")

#: Bytes of a file: the largest picture that Pillow opens has no more, at 32 bits a pixel.
LARGEST = 4 * Image.MAX_IMAGE_PIXELS

#: A JPEG is decoded at the smallest scale (1/8, 1/4, 1/2, 1) of at least this multiple of the target.
#: At 1.2 radiographs differ by less than half a grey level on average from a full-resolution resize,
#: which is less than bicubic differs from bilinear; 2 would halve that for a fifth more time.
REDUCING_GAP = 1.2

#: EXIF's orientation to what makes the picture upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


SOI, SOS, EOI = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"

#: In a scan of a JPEG 0xFF is followed by a stuffed 0 or a restart (D0 to D7); tables, comments and further
#: scans may stand between scans. No other marker is in a sound file before its end.
_STRAY = re.compile(rb"\xff[\x01-\xc3\xc5-\xcf\xd8\xdf\xf0-\xfd]")


@dataclass(frozen=True)
class Geometry:
    """The square that images become."""

    size: int  # side in pixels
    # how other shapes become square: ``squash`` changes the proportions, ``crop`` keeps the central square of
    # the shorter side, ``pad`` adds black borders to the whole image
    fit: Literal["squash", "crop", "pad"]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.size, self.size


def decode(path: Path | str, geometry: Geometry) -> np.ndarray:
    """Return a JPEG, PNG or DICOM file as a uint8 (size, size) array; its first bytes tell the format.

    Colour and palette become luma (ITU-R 601), and an alpha channel is dropped. Pixels of 16 bits are
    stretched from the image's own minimum and maximum to 0 and 255, since files store 10 to 16 significant
    bits without saying which; a DICOM file does say: :mod:`cxrlt_core.packing.dicom`. The resize is a
    bilinear filter with antialiasing. EXIF's orientation is applied. StudyError, with a short reason and
    without the path, when the file cannot be decoded whole.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):  # a pipe may wait for ever
            raise StudyError("not a regular file")
        if status.st_size > LARGEST:
            raise StudyError(f"file of {status.st_size / 1e6:,.0f} MB, expected {LARGEST / 1e6:.0f} at most")
        with open(path, "rb") as file, warnings.catch_warnings(action="ignore"):  # one odd field or other
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _shrink(_open(file), geometry)
    except Exception as error:  # on broken bytes decoders raise nearly anything
        raise StudyError(_reason(error)) from None


def _open(file: BinaryIO) -> Image.Image:
    if is_dicom(file):
        return Image.fromarray(read_dicom(file))
    _check_scans(file)
    image = Image.open(file, formats=FORMATS)
    # Of 16 bits Pillow keeps the upper 8 then: 12 bits would become 16 shades, nearly black.
    deep = image.format == "PNG" and any(";16" in str(tile[3]) for tile in image.tile)
    if deep and len(image.getbands()) > 1:
        raise StudyError("16 bits in colour or with transparency, expected grey alone")
    return image


def _check_scans(file: BinaryIO) -> None:
    """Raise StudyError when the scans of a JPEG file hold what no encoder writes; rewinds the file.

    Its decoder shows garbage then, and says nothing. Random bytes in place of a thousand are found in 29 of
    30 files, of four thousand in all; zeros are not, since sound files have them too. A file of another
    format passes.
    """
    content = file.read()
    file.seek(0)
    if not content.startswith(SOI):
        return
    start = _first_scan(content)
    end = content.find(EOI, start)
    stray = _STRAY.search(content, start, len(content) if end < 0 else end)
    if stray:
        raise StudyError("corrupt JPEG data")


def _first_scan(content: bytes) -> int:
    """Return where the first scan begins: after the segments before it, each with its length."""
    place = len(SOI)
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, length = content[place : place + 2], int.from_bytes(content[place + 2 : place + 4])
        place += 2 + length
        if marker == SOS:
            break
    return place


def _shrink(image: Image.Image, geometry: Geometry) -> np.ndarray:
    width, height = image.size
    box, target = _frame(width, height, geometry)
    reduced = image.draft("L", tuple(math.ceil(REDUCING_GAP * side) for side in target))
    # At 1/8 scale a side is rounded up; the box leaves out the padding, which would shift the image.
    scale = reduced[1][2] / width if reduced else 1
    box = tuple(edge * scale for edge in box)
    shrunk = _grey(image).resize(target, Image.Resampling.BILINEAR, box=box)
    if (turn := TURNS.get(image.getexif().get(Base.Orientation))) is not None:
        shrunk = shrunk.transpose(turn)
    if geometry.fit == "pad":
        square = Image.new("L", geometry.shape)
        square.paste(shrunk, tuple((geometry.size - side) // 2 for side in shrunk.size))
        shrunk = square
    return np.asarray(shrunk)


def _frame(width: int, height: int, geometry: Geometry) -> tuple[tuple[float, ...], tuple[int, int]]:
    """Return the box of the image that is shown, and the width and height that it shrinks to."""
    whole = (0, 0, width, height)
    if geometry.fit == "pad":
        return whole, tuple(max(1, round(side / max(width, height) * geometry.size)) for side in whole[2:])
    if geometry.fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return (left, top, left + side, top + side), geometry.shape
    return whole, geometry.shape


def _grey(image: Image.Image) -> Image.Image:
    if not image.mode.startswith("I"):
        return image.convert("L")
    pixels = np.asarray(image)
    low, high = int(pixels.min()), int(pixels.max())
    shades = np.rint(np.arange(high - low + 1) * (255 / max(high - low, 1))).astype(np.uint8)
    return Image.fromarray(shades[pixels - low])


def _reason(error: Exception) -> str:
    words = " ".join(str(error).split())  # broken bytes may be quoted
    if isinstance(error, StudyError):
        return cut(words, 120)
    if isinstance(error, FileNotFoundError):
        return "file not found"
    if isinstance(error, UnidentifiedImageError):
        return "not a JPEG, PNG or DICOM image"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "too many pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if re.search("truncated|less than expected", words.lower()):
        return "truncated"
    return f"undecodable: {cut(words, 60)}"
