"""Synthetic radiographs at the size and entropy of real ones."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

HEIGHT, WIDTH = 3050, 2500  # pixels, like most of MIMIC-CXR-JPG


def radiograph(seed: int, noise: float) -> Image.Image:
    """Draw shades of three scales, detector noise, two lines, a marker and a collimated edge, 8-bit grey.

    Args:
        seed: selects the image.
        noise: standard deviation in grey levels; it determines the size of the JPEG file.
    """
    generator = np.random.default_rng(seed)
    pixels = 120 + generator.normal(0, noise, (HEIGHT, WIDTH)).astype(np.float32)
    for cells, contrast in ((5, 60), (40, 12), (250, 5)):
        shades = generator.normal(0, contrast, (cells * HEIGHT // WIDTH, cells)).astype(np.float32)
        pixels += np.asarray(Image.fromarray(shades).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    image = Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))
    drawn = Image.new("L", image.size)
    pen = ImageDraw.Draw(drawn)
    pen.text((300, 300), "L", fill=255, font_size=160)
    for shift in (0, 90):
        pen.line((1200 + shift, 100, 900 + 2 * shift, 2600), fill=90, width=8)
    image.paste(240, mask=drawn.filter(ImageFilter.GaussianBlur(2)))
    frame = Image.new("L", image.size, 255)
    ImageDraw.Draw(frame).polygon([(70, 60), (2410, 80), (2440, 2980), (80, 3010)], fill=0)
    image.paste(4, mask=frame.filter(ImageFilter.GaussianBlur(2)))
    return image


def write_jpegs(folder: Path, count: int, noise: float) -> list[Path]:
    """Write grey JPEGs of quality 95."""
    paths = [folder / f"{seed}.jpg" for seed in range(count)]
    for seed, path in enumerate(paths):
        radiograph(seed, noise).save(path, quality=95)
    return paths


def write_deep(folder: Path, count: int, noise: float) -> dict[str, list[Path]]:
    """Write the same images in 12 of 16 bits, as PNG and as uncompressed DICOM with a window."""
    pngs, dicoms = ([folder / f"{seed}.{suffix}" for seed in range(count)] for suffix in ("png", "dcm"))
    for seed in range(count):
        generator = np.random.default_rng(seed)
        grey = np.asarray(radiograph(seed, noise)).astype(np.uint16)
        pixels = 16 * grey + generator.integers(0, 16, grey.shape, dtype=np.uint16)
        Image.fromarray(pixels).save(pngs[seed])
        _write_dicom(dicoms[seed], pixels)
    return {"PNG": pngs, "DICOM": dicoms}


def _write_dicom(path: Path, pixels: np.ndarray) -> None:
    from pydicom import Dataset, dcmwrite, uid
    from pydicom.dataset import FileMetaDataset

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = uid.DigitalXRayImageStorageForPresentation, "1.2.3"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.add_new("PixelData", "OW", pixels.tobytes())
    dcmwrite(path, dataset, enforce_file_format=True)
