"""Image files, through :func:`cxrlt_core.packing.decode.decode`; the line is without the image's path."""

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import dcmread, uid

from cxrlt_core.packing.decode import Geometry, decode
from tests.cxrlt_core.packing.pictures import png16, radiograph, write_dicom

Attempt = Callable[[], object]
GEOMETRY = Geometry(32, "squash")
GREY = np.linspace(100, 4095, 64 * 64).astype(np.uint16).reshape(64, 64)


def encoded(pixels: np.ndarray, format: str, mode: str = "L", **options: object) -> bytes:
    """A picture as a file of a format."""
    stream = BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, format, **options)
    return stream.getvalue()


def content(of: bytes) -> Attempt:
    """Decode a file of some content."""
    return made(lambda path: path.write_bytes(of))


def made(make: Callable[[Path], object], name: str = "a.png") -> Attempt:
    """Decode what is made at a path."""

    def attempt() -> None:
        make(Path(name))
        decode(Path(name), GEOMETRY)

    return attempt


def dicom(pixels: np.ndarray = GREY, **fields: object) -> Attempt:
    """Decode a DICOM file with some attributes changed; None leaves one out."""

    def make(path: Path) -> None:
        given = {name: value for name, value in fields.items() if value is not None}
        write_dicom(path, pixels, **given)
        if len(given) < len(fields):
            dataset = dcmread(path)
            for name in fields.keys() - given.keys():
                delattr(dataset, name)
            dataset.save_as(path, enforce_file_format=True)

    return made(make, "a.dcm")


def of_two_lines(path: Path) -> None:
    """Write a DICOM file whose compression has a name over two lines."""
    write_dicom(path, GREY, syntax=uid.MPEG2MPML, content=b"\0\0")
    name = uid.MPEG2MPML.encode()
    path.write_bytes(path.read_bytes().replace(name, name.replace(b".", b"\n")))


def resized(png: bytes, width: int, height: int) -> bytes:
    """A PNG that says to be of another size."""
    head = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + head + struct.pack(">I", zlib.crc32(head)) + png[33:]


def garbled(of: bytes, start: int) -> bytes:
    """A file with random bytes in it."""
    return of[:start] + np.random.default_rng(0).bytes(4096) + of[start + 4096 :]


def with_hole(of: Callable[[Path], object], size: int) -> Callable[[Path], object]:
    """Write a file, and make it longer by zeros that take no room on the disk."""

    def write(path: Path) -> None:
        of(path)
        os.truncate(path, size)

    return write


def sized(rows: int, columns: int) -> bytes:
    """A JPEG that says to be of another size."""
    return JPEG.replace(struct.pack(">HH", 300, 300), struct.pack(">HH", rows, columns), 1)


LARGE = radiograph(300, 300)
JPEG, PNG = encoded(LARGE, "JPEG", quality=95), encoded(LARGE, "PNG")
SHOWN = {"RescaleSlope": 1, "RescaleIntercept": 0, "WindowCenter": 2000, "WindowWidth": 900}
LOSSLESS = {"syntax": uid.JPEGLosslessSV1, "content": b"\xff\xd8\xff\xd9"}

ATTEMPTS: dict[str, Attempt] = {
    "no such file": lambda: decode(Path("a.png"), GEOMETRY),
    "an empty file": content(b""),
    "text": content(b"no image"),
    "a folder": made(Path.mkdir),
    "a pipe, which would be waited for": made(os.mkfifo),
    "a link to itself": made(lambda path: path.symlink_to(path)),
    "a name that is too long": lambda: decode(Path("a" * 300), GEOMETRY),
    "a name with a NUL": lambda: decode(Path("a\0.png"), GEOMETRY),
    **{f"a {kind}": content(encoded(LARGE, kind)) for kind in ("BMP", "GIF", "TIFF", "WEBP")},
    "a JPEG that is cut": content(JPEG[: len(JPEG) // 2]),
    "a JPEG that is cut within its header": content(JPEG[:100]),
    "garbage within a JPEG": content(garbled(JPEG, len(JPEG) // 2)),
    "garbage within a progressive JPEG": content(
        garbled(encoded(LARGE, "JPEG", quality=95, progressive=True), 9000)
    ),
    "a JPEG that says to be of 65,500 × 65,500 pixels": content(sized(65500, 65500)),
    "a JPEG of no rows": content(sized(0, 300)),
    **{
        f"a {kind} with a hole, of 2 GB": made(with_hole(lambda path, of=of: path.write_bytes(of), 2 * 10**9))
        for kind, of in (("JPEG", JPEG), ("PNG", PNG))
    },
    "a PNG that is cut": content(PNG[: len(PNG) // 2]),
    "a PNG that is cut within its header": content(PNG[:20]),
    "garbage within a PNG": content(garbled(PNG, len(PNG) // 2)),
    "a PNG with a bit changed in its header": content(PNG[:17] + b"\x01" + PNG[18:]),
    "a PNG of 89,500,000 pixels": content(resized(PNG, 10_000, 8_950)),
    "a PNG that says to be of 60,000 × 60,000 pixels": content(resized(PNG, 60000, 60000)),
    "a PNG of no width": content(resized(PNG, 0, 300)),
    **{
        f"a PNG of 16 bits in {what}": made(
            lambda path, kind=kind, bands=bands: png16(path, kind, GREY[..., None].repeat(bands, 2))
        )
        for what, kind, bands in (("colour", 2, 3), ("grey and alpha", 4, 2), ("colour and alpha", 6, 4))
    },
    "DICOM: nothing but the mark": content(b"\0" * 128 + b"DICM"),
    "DICOM: no pixels": dicom(PixelData=None),
    **{
        f"DICOM: no {name}": dicom(**{name: None})
        for name in ("Rows", "BitsAllocated", "BitsStored", "PhotometricInterpretation", "SamplesPerPixel")
    },
    "DICOM: a deflated dataset": dicom(syntax=uid.DeflatedExplicitVRLittleEndian),
    "DICOM: two frames": dicom(NumberOfFrames=2),
    "DICOM: a palette": dicom(PhotometricInterpretation="PALETTE COLOR"),
    "DICOM: 32 bits": dicom(BitsAllocated=32),
    **{f"DICOM: 12 bits, the highest {high}": dicom(bits=12, HighBit=high) for high in (7, 16)},
    "DICOM: 12 bits, the highest 15, compressed": dicom(bits=12, HighBit=15, **LOSSLESS),
    **{
        f"DICOM: {name} {value}": dicom(**{**SHOWN, name: value})
        for name, value in (
            *(("RescaleSlope", 0), ("RescaleSlope", "nan"), ("RescaleIntercept", "inf")),
            *(("WindowCenter", "-inf"), ("WindowWidth", "inf"), ("WindowWidth", "1e300")),
        )
    },
    "DICOM: a slope of nan without a window": dicom(RescaleSlope="nan", RescaleIntercept=0),
    "DICOM: a window beside the pixels": dicom(WindowCenter=-9000, WindowWidth=10),
    "DICOM: a hole, of 11 GB": made(with_hole(lambda path: write_dicom(path, GREY), 11 * 10**9)),
    "DICOM: a hole, of 300 MB": made(with_hole(lambda path: write_dicom(path, GREY), 3 * 10**8)),
    "DICOM: a hole within what is compressed, of 300 MB": made(
        with_hole(lambda path: write_dicom(path, GREY, **LOSSLESS), 3 * 10**8)
    ),
    "DICOM: a hole in place of all but the mark, of 300 MB": made(
        with_hole(lambda path: path.write_bytes(b"\0" * 128 + b"DICM"), 3 * 10**8)
    ),
    "DICOM: colour of 16 bits": dicom(np.dstack([GREY, GREY, GREY])),
    "DICOM: padding alone": dicom(PixelPaddingValue=0, PixelPaddingRangeLimit=4095),
    "DICOM: fewer pixels than rows and columns ask for": dicom(Rows=100),
    "DICOM: 40,000 × 40,000 pixels": dicom(Rows=40000, Columns=40000),
    "DICOM: 0 rows": dicom(Rows=0),
    "DICOM: a compression that needs a package": dicom(**LOSSLESS),
    "DICOM: a compression that is none": made(of_two_lines, "a.dcm"),
    "DICOM: a film": dicom(syntax=uid.MPEG2MPML, content=b"\0\0"),
    "DICOM: a JPEG within that is cut": dicom(
        GREY.astype(np.uint8), syntax=uid.JPEGBaseline8Bit, content=encoded(radiograph(64, 64), "JPEG")[:421]
    ),
}
