"""Decode one image file into a small grey square."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from cxrlt_core.errors import StudyError

#: Raise it with every change that alters pixels: rows packed by another version are packed anew.
VERSION = 1

#: Only these decoders see a file of the user.
FORMATS = ("JPEG", "PNG")

#: A JPEG is decoded at the smallest scale (1/8, 1/4, 1/2, 1) of at least this multiple of the
#: target. 2 stays within 3 grey levels of a full-resolution resize; 1 saves a tenth of the time.
REDUCING_GAP = 2


def decode(path: Path | str, size: int) -> np.ndarray:
    """Return a JPEG or PNG file as a uint8 (size, size) array; other shapes are squashed.

    Colour and palette become luma (ITU-R 601), and an alpha channel is dropped. Pixels of 16 bits
    are stretched from the image's own minimum and maximum to 0 and 255, since files store 10 to
    16 significant bits without saying which. The resize is a bilinear filter with antialiasing.

    Raises:
        StudyError: with a short reason, without the path, when the file cannot be decoded whole.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            return _shrink(image, size)
    except Exception as error:  # on broken bytes decoders raise nearly anything
        raise StudyError(_reason(error)) from None


def _shrink(image: Image.Image, size: int) -> np.ndarray:
    reduced = image.draft("L", (REDUCING_GAP * size, REDUCING_GAP * size))
    # At 1/8 scale a side is rounded up; the box leaves out the padding, which would shift the image.
    box = reduced[1] if reduced else None
    return np.asarray(_grey(image).resize((size, size), Image.Resampling.BILINEAR, box=box))


def _grey(image: Image.Image) -> Image.Image:
    if not image.mode.startswith("I"):
        return image.convert("L")
    pixels = np.asarray(image).astype(np.float32)
    low, high = pixels.min(), pixels.max()
    return Image.fromarray(np.rint((pixels - low) * (255 / max(high - low, 1))).astype(np.uint8))


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "file not found"
    if isinstance(error, UnidentifiedImageError):
        return "not a JPEG or PNG image"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if "truncated" in str(error).lower():
        return "truncated"
    return f"undecodable: {' '.join(str(error).split())[:60]}"
