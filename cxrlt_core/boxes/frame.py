"""From boxes in pixels of an image file to boxes in the packed image, on the way that the pixels go."""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

# The frame is private to the decoder: its module, once it means something else, has all images packed again.
from cxrlt_core.packing.decode import FORMATS, Geometry, _frame
from cxrlt_core.packing.dicom import is_dicom
from cxrlt_core.system.errors import StudyError, cut, reason

LYING = (5, 6, 7, 8)  # orientations of EXIF by which width and height change places


def image_size(path: Path | str) -> tuple[int, int]:
    """Return width and height of a JPEG, PNG or DICOM file, as it is shown, from its header alone.

    StudyError when it cannot be told.
    """
    try:
        with open(path, "rb") as file:
            if is_dicom(file):
                from pydicom import dcmread  # late, since most studies meet no DICOM

                header = dcmread(file, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
                return int(header.Columns), int(header.Rows)
            image = Image.open(file, formats=FORMATS)
            width, height = image.size
            return (height, width) if image.getexif().get(Base.Orientation) in LYING else (width, height)
    except Exception as error:  # on broken bytes decoders raise nearly anything
        raise StudyError(f"{path}: no width and height to be read: {cut(reason(error), 120)}") from None


def fit_boxes(boxes: np.ndarray, sizes: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return where boxes lie in packed images, as shares of the side; NaN where nothing is left to be seen.

    Boxes are float (n, 4): left, top, right and bottom in pixels of images of ``sizes``, (n, 2) widths and
    heights; what is beyond the image, or cut off, is left out of a box. Returns float32 (n, 4) in 0..1.
    """
    fitted = np.full((len(boxes), 4), np.nan)
    for row, (box, (width, height)) in enumerate(zip(boxes, sizes, strict=True)):
        frame, target = _frame(width, height, geometry)
        start, end = np.reshape(frame, (2, 2))
        corners = np.clip(np.reshape(box, (2, 2)), start, end)
        border = (geometry.size - np.array(target)) // 2  # black, of ``pad``
        corners = (corners - start) / (end - start) * target + border
        if (corners[1] > corners[0]).all():
            fitted[row] = corners.ravel() / geometry.size
    return fitted.astype(np.float32)
