"""Decode one image file into a small grey square."""

import math
import re
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from cxrlt_core.packing.dicom import is_dicom, read_dicom
from cxrlt_core.system.errors import StudyError

#: Raise it with every change that alters pixels: rows packed by another version are packed anew.
VERSION = 2

#: Only these decoders of Pillow see a file of the user.
FORMATS = ("JPEG", "PNG")

#: A JPEG is decoded at the smallest scale (1/8, 1/4, 1/2, 1) of at least this multiple of the target.
#: At 1.2 radiographs differ by less than half a grey level on average from a full-resolution resize,
#: which is less than bicubic differs from bilinear; 2 would halve that for a fifth more time.
REDUCING_GAP = 1.2

Fit = Literal["squash", "crop", "pad"]


def decode(path: Path | str, size: int, fit: Fit = "squash") -> np.ndarray:
    """Return a JPEG, PNG or DICOM file as a uint8 (size, size) array.

    Colour and palette become luma (ITU-R 601), and an alpha channel is dropped. Pixels of 16 bits
    are stretched from the image's own minimum and maximum to 0 and 255, since files store 10 to
    16 significant bits without saying which; a DICOM file does say: :mod:`cxrlt_core.packing.dicom`. The
    resize is a bilinear filter with antialiasing.

    Args:
        path: the file; its first bytes tell the format, not its name.
        size: side of the square in pixels.
        fit: how other shapes become square: ``squash`` changes the proportions, ``crop`` keeps
            the central square of the shorter side, ``pad`` adds black borders to the whole image.

    Raises:
        StudyError: with a short reason, without the path, when the file cannot be decoded whole.
    """
    try:
        with open(path, "rb") as file:
            return _shrink(_open(file), size, fit)
    except StudyError:
        raise
    except Exception as error:  # on broken bytes decoders raise nearly anything
        raise StudyError(_reason(error)) from None


def _open(file: BinaryIO) -> Image.Image:
    if is_dicom(file):
        return Image.fromarray(read_dicom(file))
    return Image.open(file, formats=FORMATS)


def _shrink(image: Image.Image, size: int, fit: Fit) -> np.ndarray:
    width, height = image.size
    box, target = _frame(width, height, size, fit)
    reduced = image.draft("L", tuple(math.ceil(REDUCING_GAP * side) for side in target))
    # At 1/8 scale a side is rounded up; the box leaves out the padding, which would shift the image.
    scale = reduced[1][2] / width if reduced else 1
    box = tuple(edge * scale for edge in box)
    shrunk = _grey(image).resize(target, Image.Resampling.BILINEAR, box=box)
    if fit == "pad":
        square = Image.new("L", (size, size))
        square.paste(shrunk, ((size - target[0]) // 2, (size - target[1]) // 2))
        shrunk = square
    return np.asarray(shrunk)


def _frame(
    width: int, height: int, size: int, fit: Fit
) -> tuple[tuple[float, float, float, float], tuple[int, int]]:
    """Return the box of the image that is shown, and the width and height that it shrinks to."""
    if fit == "pad":
        longest = max(width, height)
        return (0, 0, width, height), (_share(width, longest, size), _share(height, longest, size))
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return (left, top, left + side, top + side), (size, size)
    return (0, 0, width, height), (size, size)


def _share(side: int, longest: int, size: int) -> int:
    return max(1, round(side / longest * size))


def _grey(image: Image.Image) -> Image.Image:
    if not image.mode.startswith("I"):
        return image.convert("L")
    pixels = np.asarray(image)
    low, high = int(pixels.min()), int(pixels.max())
    shades = np.rint(np.arange(high - low + 1) * (255 / max(high - low, 1))).astype(np.uint8)
    return Image.fromarray(shades[pixels - low])


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "file not found"
    if isinstance(error, UnidentifiedImageError):
        return "not a JPEG, PNG or DICOM image"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if re.search("truncated|less than expected", str(error).lower()):
        return "truncated"
    return f"undecodable: {' '.join(str(error).split())[:60]}"
