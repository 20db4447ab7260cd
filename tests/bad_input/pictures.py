"""Image files, through :func:`cxrlt_core.packing.decode.decode`; the line is without the image's path."""

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import uid

from cxrlt_core.packing.decode import Geometry, decode
from tests.bad_input.case import Case
from tests.cxrlt_core.packing.pictures import png16, radiograph, write_dicom

Attempt = Callable[[Path], object]
GREY = np.linspace(100, 4095, 64 * 64).astype(np.uint16).reshape(64, 64)


def encoded(format: str, side: int = 300, **options: object) -> bytes:
    """A picture as a file of a format."""
    stream = BytesIO()
    Image.fromarray(radiograph(side, side)).save(stream, format, **options)
    return stream.getvalue()


def content(of: bytes, name: str = "a.jpg") -> Attempt:
    """Decode a file of some content."""
    return made(lambda path: path.write_bytes(of), name)


def made(make: Callable[[Path], object], name: str = "a.png") -> Attempt:
    """Decode what is made at a path."""

    def attempt(folder: Path) -> None:
        make(folder / name)
        decode(folder / name, Geometry(32, "squash"))

    return attempt


def dicom(pixels: np.ndarray = GREY, **fields: object) -> Attempt:
    """Decode a DICOM file with some attributes changed; None leaves one out."""

    def make(path: Path) -> None:
        given = {name: value for name, value in fields.items() if value is not None}
        write_dicom(path, pixels, **given)
        if len(given) < len(fields):
            from pydicom import dcmread

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


def cut(of: bytes, share: float) -> bytes:
    """The first part of a file."""
    return of[: int(len(of) * share)]


def garbled(of: bytes, start: int, length: int) -> bytes:
    """A file with random bytes in it."""
    return of[:start] + np.random.default_rng(0).bytes(length) + of[start + length :]


JPEG, PNG = encoded("JPEG", quality=95), encoded("PNG")
LOSSLESS = {"syntax": uid.JPEGLosslessSV1, "content": b"\xff\xd8\xff\xd9"}

CASES = [
    Case("no such file", made(lambda path: None), "file not found"),
    Case("an empty file", content(b""), "not a JPEG, PNG or DICOM image"),
    Case("text", content(b"no image"), "not a JPEG, PNG or DICOM image"),
    Case("a folder", made(Path.mkdir), "is a directory"),
    Case("a pipe, which would be waited for", made(os.mkfifo), "not a regular file"),
    Case("a link to itself", made(lambda path: path.symlink_to(path)), "too many levels of symbolic links"),
    Case("a name that is too long", made(lambda path: None, "a" * 300), "file name too long"),
    Case(
        "a name with a NUL",
        made(lambda path: None, "a\0.png"),
        "undecodable: embedded null byte",
    ),
    *(
        Case(f"a {kind}", content(encoded(kind)), "not a JPEG, PNG or DICOM image")
        for kind in ("BMP", "GIF", "TIFF", "WEBP")
    ),
    Case("a JPEG that is cut", content(cut(JPEG, 0.6)), "truncated"),
    Case("a JPEG that is cut within its header", content(JPEG[:100]), "truncated"),
    Case("garbage within a JPEG", content(garbled(JPEG, len(JPEG) // 2, 4096)), "corrupt JPEG data"),
    Case(
        "garbage within a progressive JPEG",
        content(garbled(encoded("JPEG", quality=95, progressive=True), 9000, 4096)),
        "corrupt JPEG data",
    ),
    Case(
        "a JPEG that says to be of 65,500 × 65,500 pixels",
        content(JPEG.replace(struct.pack(">HH", 300, 300), struct.pack(">HH", 65500, 65500), 1)),
        "too many pixels",
    ),
    Case(
        "a JPEG of no rows",
        content(JPEG.replace(struct.pack(">HH", 300, 300), struct.pack(">HH", 0, 300), 1)),
        "not a JPEG, PNG or DICOM image",
    ),
    Case("a PNG that is cut", content(cut(PNG, 0.6)), "truncated"),
    Case("a PNG that is cut within its header", content(PNG[:20]), "truncated"),
    Case(
        "garbage within a PNG",
        content(garbled(PNG, len(PNG) // 2, 4096)),
        "undecodable: unrecognized data stream contents when reading image file",
    ),
    Case(
        "a PNG with a bit changed in its header",
        content(PNG[:17] + b"\x01" + PNG[18:]),
        "not a JPEG, PNG or DICOM image",
    ),
    Case("a PNG of 89,500,000 pixels", content(resized(PNG, 10_000, 8_950)), "too many pixels"),
    Case(
        "a PNG that says to be of 60,000 × 60,000 pixels",
        content(resized(PNG, 60000, 60000)),
        "too many pixels",
    ),
    Case("a PNG of no width", content(resized(PNG, 0, 300)), "not a JPEG, PNG or DICOM image"),
    *(
        Case(
            f"a PNG of 16 bits in {what}",
            made(lambda path, kind=kind, bands=bands: png16(path, kind, GREY[..., None].repeat(bands, 2))),
            "16 bits in colour or with transparency, expected grey alone",
        )
        for what, kind, bands in (("colour", 2, 3), ("grey and alpha", 4, 2), ("colour and alpha", 6, 4))
    ),
    Case("DICOM: nothing but the mark", content(b"\0" * 128 + b"DICM", "a.dcm"), "DICOM without pixel data"),
    Case("DICOM: no pixels", dicom(PixelData=None), "DICOM without pixel data"),
    *(
        Case(f"DICOM: no {name}", dicom(**{name: None}), f"DICOM without {name}")
        for name in ("Rows", "BitsAllocated", "PhotometricInterpretation", "SamplesPerPixel")
    ),
    Case(
        "DICOM: a deflated dataset",
        dicom(syntax=uid.DeflatedExplicitVRLittleEndian),
        "DICOM of a deflated dataset, which may unpack to any size",
    ),
    Case("DICOM: two frames", dicom(NumberOfFrames=2), "DICOM of several frames"),
    Case(
        "DICOM: a palette",
        dicom(PhotometricInterpretation="PALETTE COLOR"),
        "DICOM of unsupported pixels: PALETTE COLOR, 16 bits",
    ),
    Case("DICOM: 32 bits", dicom(BitsAllocated=32), "DICOM of unsupported pixels: MONOCHROME2, 32 bits"),
    Case(
        "DICOM: colour of 16 bits",
        dicom(np.dstack([GREY, GREY, GREY])),
        "DICOM of unsupported pixels: RGB, 16 bits",
    ),
    Case(
        "DICOM: padding alone",
        dicom(PixelPaddingValue=0, PixelPaddingRangeLimit=4095),
        "DICOM of nothing but padding",
    ),
    Case("DICOM: fewer pixels than rows and columns ask for", dicom(Rows=100), "truncated"),
    Case("DICOM: 40,000 × 40,000 pixels", dicom(Rows=40000, Columns=40000), "too many pixels"),
    Case("DICOM: 0 rows", dicom(Rows=0), "DICOM without Rows"),
    Case(
        "DICOM: a compression that needs a package",
        dicom(**LOSSLESS),
        "undecodable DICOM: JPEG Lossless, try pip install pylibjpeg pylibjpeg-libjpeg",
    ),
    Case("DICOM: a compression that is none", made(of_two_lines, "a.dcm"), "undecodable DICOM: 1 2 840 …"),
    Case(
        "DICOM: a film",
        dicom(syntax=uid.MPEG2MPML, content=b"\0\0"),
        "undecodable DICOM: MPEG2 Main Profile / Main Level",
    ),
    Case(
        "DICOM: a JPEG within that is cut",
        dicom(GREY.astype(np.uint8), syntax=uid.JPEGBaseline8Bit, content=cut(encoded("JPEG", 64), 0.5)),
        "truncated",
    ),
]
