"""Read the picture of a DICOM file as 8 bits, the way that a viewer shows it.

DICOM PS3.3: C.7.6.3 (pixels), C.11.1 (modality LUT), C.11.2 (VOI LUT and window).
"""

import re
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from cxrlt_core.system.errors import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

GREY = ("MONOCHROME1", "MONOCHROME2")
DEFLATED = b"1.2.840.10008.1.2.1.99"  # the transfer syntax
REQUIRED = ("PhotometricInterpretation", "SamplesPerPixel", "BitsAllocated", "Rows", "Columns")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


def is_dicom(file: BinaryIO) -> bool:
    """Return whether DICOM's mark follows the preamble of 128 bytes; rewinds the file."""
    head = file.read(132)
    file.seek(0)
    return head[128:] == b"DICM"


def read_dicom(file: BinaryIO) -> np.ndarray:
    """Return the only frame of a DICOM file: uint8, (H, W) or, in colour, RGB (H, W, 3).

    Grey goes through the modality LUT or rescale, then through the first VOI LUT or else the first window,
    whose output range becomes 0 to 255. Without either, the image's own range does. MONOCHROME1 is
    inverted. Padding pixels are black and have no part in the range. StudyError, with a short reason, if
    there is no such picture or a package that its compression needs is not installed.
    """
    from pydicom import config, dcmread  # late, since most studies meet no DICOM

    config.settings.reading_validation_mode = config.IGNORE
    if DEFLATED in file.read(1024):
        raise StudyError("DICOM of a deflated dataset, which may unpack to any size")
    file.seek(0)
    dataset = dcmread(file)
    _check(dataset)
    pixels = _stored_pixels(dataset)
    if dataset.PhotometricInterpretation in COLOUR:
        return pixels
    codes = pixels.view(f"u{pixels.itemsize}")
    return _shades(dataset, codes, pixels.dtype)[codes]


def _check(dataset: "Dataset") -> None:
    if "PixelData" not in dataset:
        raise StudyError("DICOM without pixel data")
    if absent := [name for name in REQUIRED if not dataset.get(name)]:
        raise StudyError(f"DICOM without {absent[0]}")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise StudyError("DICOM of several frames")
    photometric, bits = dataset.PhotometricInterpretation, dataset.BitsAllocated
    if not ((photometric in GREY and bits in (8, 16)) or (photometric in COLOUR and bits == 8)):
        raise StudyError(f"DICOM of unsupported pixels: {photometric}, {bits} bits")
    if dataset.Rows * dataset.Columns > Image.MAX_IMAGE_PIXELS:  # where Pillow warns
        raise StudyError("too many pixels")


def _stored_pixels(dataset: "Dataset") -> np.ndarray:
    """Return the pixels as stored, and YBR as RGB."""
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
    values, low, high = _windowed(dataset, values) or _stretched(values, codes, padding)
    shades = np.rint((values - low) * (255 / ((high - low) or 1))).clip(0, 255).astype(np.uint8)
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


def _stretched(values: np.ndarray, codes: np.ndarray, padding: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the values, and the least and the greatest that the image has."""
    present = np.bincount(codes.ravel(), minlength=len(values)) > 0
    shown = values[present & ~padding]
    if not len(shown):
        raise StudyError("DICOM of nothing but padding")
    return values.astype(float), shown.min(), shown.max()
