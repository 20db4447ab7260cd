"""Attention maps as pictures: the image in grey, and in orange where the model looks."""

import re
from pathlib import Path

import numpy as np
from PIL import Image

from cxrlt_core.system.atomic import atomic

ORANGE = np.array([230.0, 159.0, 0.0])  # of Okabe and Ito's palette, told from grey by everyone
OPACITY = 0.65  # of the colour at the maximum
LONGEST = 160  # letters of a name
OTHERS = re.compile(r"[^A-Za-z0-9._-]+")  # what no name of ours has, such as / and blanks
SHOWN = 448  # pixels that a small image is enlarged to, at least


def overlay(image: np.ndarray, attention: np.ndarray) -> Image.Image:
    """Lay a map, not negative, float (h, w), over an image, uint8 (H, W); its maximum is shown strongest."""
    side = max(SHOWN, *image.shape)
    grey = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC), np.float64)
    scaled = Image.fromarray((attention / max(attention.max(), 1e-12)).astype(np.float32))
    heat = np.asarray(scaled.resize((side, side), Image.Resampling.BILINEAR), np.float64)[..., None] * OPACITY
    return Image.fromarray(np.rint(grey[..., None] * (1 - heat) + ORANGE * heat).astype(np.uint8))


def write_overlay(folder: Path, image: Path, finding: str, picture: Image.Image) -> Path:
    """Write a PNG named by the image, with its folders since names recur, and by the finding."""
    names = (OTHERS.sub("_", name)[-LONGEST:].strip("_.") for name in (str(image.with_suffix("")), finding))
    path = folder / f"{'-'.join(names)}.png"
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG")
    return path
