"""Read the picture of a DICOM file as 8 bits, the way that a viewer shows it.

DICOM PS3.3: C.7.6.3 (pixels), C.11.1 (modality LUT), C.11.2 (VOI LUT and window).
"""

import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from cxrlt_core.system.errors import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

GREY = ("MONOCHROME1", "MONOCHROME2")
DEFLATED = b"1.2.840.10008.1.2.1.99"  # the transfer syntax
REQUIRED = ("PhotometricInterpretation", "SamplesPerPixel", "BitsAllocated", "BitsStored", "Rows", "Columns")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
LARGE = 2**20  # bytes: elements beside the pixels are shorter, also all together
READS = 100_000  # of parts of a file; its elements are some hundreds


def is_dicom(file: BinaryIO) -> bool:
    """Return whether DICOM's mark follows the preamble of 128 bytes; rewinds the file."""
    head = file.read(132)
    file.seek(0)
    return head[128:] == b"DICM"


def read_dicom(file: BinaryIO) -> np.ndarray:
    """Return the only frame of a DICOM file: uint8, (H, W) or, in colour, RGB (H, W, 3).

    Grey goes through the modality LUT or rescale, then through the first VOI LUT or else the first window,
    whose output range becomes 0 to 255. Without either, the image's own range does. MONOCHROME1 is
    inverted. Padding pixels are black and have no part in the range. Bits are taken from below the high
    bit. StudyError, with a short reason, if there is no such picture, if rescale and window leave one shade
    of several, if the file is far longer than its rows and columns ask for, which is looked at before the
    pixels are read, or if a package that its compression needs is not installed.
    """
    from pydicom import config, dcmread  # late, since most studies meet no DICOM

    config.settings.reading_validation_mode = config.IGNORE
    if DEFLATED in file.read(1024):
        raise StudyError("DICOM of a deflated dataset, which may unpack to any size")
    file.seek(0)
    parts = _Parts(file)
    header = dcmread(parts, defer_size=LARGE, stop_before_pixels=True)
    if not file.read(1):
        raise StudyError("DICOM without pixel data")
    _check(header, length=file.seek(0, os.SEEK_END))
    file.seek(0)
    dataset = dcmread(parts)
    if "PixelData" not in dataset:  # but pixels of floats
        raise StudyError("DICOM without pixel data")
    pixels = _stored_pixels(dataset)
    if dataset.PhotometricInterpretation in COLOUR:
        return pixels
    codes = pixels.view(f"u{pixels.itemsize}")
    return _shades(dataset, codes, pixels.dtype)[codes]


class _Parts:
    """A file of which a bounded number of parts is read: zeros are a row of empty elements without end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, READS

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes; StudyError after too many calls."""
        self._left -= 1
        if self._left < 0:
            raise StudyError("DICOM of too many elements")
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _check(dataset: "Dataset", length: int) -> None:
    """Raise StudyError if there is no such picture, or the file is too long for it; ``length`` in bytes."""
    from pydicom.pixels.utils import get_expected_length

    if absent := [name for name in REQUIRED if not dataset.get(name)]:
        raise StudyError(f"DICOM without {absent[0]}")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise StudyError("DICOM of several frames")
    photometric, bits = dataset.PhotometricInterpretation, dataset.BitsAllocated
    if not ((photometric in GREY and bits in (8, 16)) or (photometric in COLOUR and bits == 8)):
        raise StudyError(f"DICOM of unsupported pixels: {photometric}, {bits} bits")
    if dataset.Rows * dataset.Columns > Image.MAX_IMAGE_PIXELS:  # where Pillow warns
        raise StudyError("too many pixels")
    stored, low = dataset.BitsStored, _bits_below(dataset)
    plain = photometric in GREY and not dataset.file_meta.TransferSyntaxUID.is_encapsulated if low else True
    if not (plain and 0 <= low <= bits - stored):
        high = dataset.get("HighBit")
        raise StudyError(f"DICOM of unsupported pixels: {stored} of {bits} bits, the highest is {high}")
    expected = get_expected_length(dataset)
    if length > 2 * expected + LARGE:  # what is compressed may be longer, and writers pad
        raise StudyError(f"DICOM of {length:,} bytes, expected {expected:,} and little more")


def _bits_below(dataset: "Dataset") -> int:
    """Return how many bits lie below those stored: none, but in files older than the standard's rule."""
    high = dataset.get("HighBit")
    return 0 if high is None else high + 1 - dataset.BitsStored


def _stored_pixels(dataset: "Dataset") -> np.ndarray:
    """Return the pixels as stored, the bits below them left out, and YBR as RGB."""
    if low := _bits_below(dataset):
        dataset.BitsStored += low  # pydicom takes the lowest bits, whatever HighBit says
        pixels = _stored_pixels(dataset) >> low
        dataset.BitsStored -= low
        return pixels
    try:
        return dataset.pixel_array
    except RuntimeError as error:  # no decoder, or all of them failed
        if "truncated" in str(error):
            raise
        syntax = dataset.file_meta.TransferSyntaxUID
        name = re.split(r",| \(", syntax.name)[0]
        raise StudyError(f"undecodable DICOM: {name}{_remedy(syntax)}") from None


def _remedy(syntax: str) -> str:
    from pydicom.pixels import get_decoder

    try:
        missing = " ".join(get_decoder(syntax).missing_dependencies)
    except NotImplementedError:
        return ""
    package = re.search(r"pylibjpeg-\w+", missing)
    return f", try pip install pylibjpeg {package[0]}" if package else ""


def _shades(dataset: "Dataset", codes: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the grey, uint8, of each of the 256 or 65,536 codes that a pixel can have.

    ``codes`` are the image's pixels, unsigned, and ``dtype`` what they stand for, signed or not.
    """
    from pydicom.pixels import apply_modality_lut

    stored = np.arange(256**dtype.itemsize, dtype=codes.dtype).view(dtype).astype(np.int32)
    values, padding = apply_modality_lut(stored, dataset), _is_padding(dataset, stored)
    shown = (np.bincount(codes.ravel(), minlength=len(stored)) > 0) & ~padding
    values, low, high = _windowed(dataset, values) or _stretched(values, shown)
    shades = np.rint((values - low) * (255 / ((high - low) or 1))).clip(0, 255).astype(np.uint8)
    if shown.sum() > 1 and np.ptp(shades[shown]) == 0:  # a slope of 0, a window without end or elsewhere
        raise StudyError("DICOM whose rescale or window leaves one shade")
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shades = 255 - shades
    shades[padding] = 0
    return shades


def _is_padding(dataset: "Dataset", stored: np.ndarray) -> np.ndarray:
    first = dataset.get("PixelPaddingValue")
    if first is None:
        return np.zeros(len(stored), bool)
    low, high = sorted((first, dataset.get("PixelPaddingRangeLimit", first)))
    return (low <= stored) & (stored <= high)


def _windowed(dataset: "Dataset", values: np.ndarray) -> tuple[np.ndarray, float, float] | None:
    """Return the values behind the VOI LUT or window and the ends of their range, None without either."""
    from pydicom.pixels import apply_voi, apply_windowing

    if dataset.get("VOILUTSequence"):
        descriptor = dataset.VOILUTSequence[0].LUTDescriptor
        high, descriptor[2] = 2 ** descriptor[2] - 1, 16  # in 8 bits pydicom would count entries modulo 256
        return apply_voi(np.rint(values).astype(np.int32), dataset).astype(float), 0, high
    if dataset.get("WindowWidth") and dataset.get("WindowCenter") is not None:
        low, high = apply_windowing(np.array([-np.inf, np.inf]), dataset)
        return apply_windowing(values, dataset), low, high
    return None


def _stretched(values: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the values, and the least and the greatest of those that the image shows."""
    if not shown.any():
        raise StudyError("DICOM of nothing but padding")
    return values.astype(float), values[shown].min(), values[shown].max()
