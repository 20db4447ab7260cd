"""Writers of small pictures in the formats of the data sets, sound and otherwise."""

import struct
import zlib

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmwrite, uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate

from cxrlt_core.packing import decode as packing


def decode(path, size, fit="squash"):
    """Decode a file into a square."""
    return packing.decode(path, packing.Geometry(size, fit))


def radiograph(height, width, seed=0):
    """Smooth shades, an edge and noise, uint8."""
    generator = np.random.default_rng(seed)
    shades = Image.fromarray(generator.uniform(30, 220, (6, 5)).astype(np.float32))
    pixels = np.array(shades.resize((width, height), Image.Resampling.BICUBIC))
    pixels[height // 3 : height // 3 + 20] += 30
    pixels += generator.normal(0, 2, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


def draw(path, seed, side=40):
    """Write a PNG of noise, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def png16(path, kind, pixels):
    """Write 16 bits a sample, which Pillow cannot; ``kind`` is PNG's colour type."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = pixels.shape[:2]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_dicom(path, pixels, bits=None, syntax=uid.ExplicitVRLittleEndian, content=None, **fields):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = uid.DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = "1.2.3"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes() if content is None else encapsulate([content])
    dataset["PixelData"].VR = "OB" if content else "OW"
    for name, value in fields.items():
        setattr(dataset, name, value)
    dcmwrite(path, dataset, enforce_file_format=True)
    return dataset
