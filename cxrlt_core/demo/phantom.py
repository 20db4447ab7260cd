"""Chest X-ray phantoms: a population rendered as grey images in the style of an institution."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cxrlt_core.demo.anatomy import LOOK, TRAITS, Canvas, draw_chest, place_landmarks
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.lesions import draw_lesions
from cxrlt_core.demo.population import Population

#: Pixels rendered at once: 64 images of 64 px, whose float32 maps stay in the processor's cache.
CHUNK_PIXELS = 64 * 64 * 64


@dataclass(frozen=True)
class Style:
    """The image style of an institution; pairs are ranges, grey values lie in 0..1."""

    contrast: tuple[float, float]  # scale of the exponent
    tone: tuple[float, float]  # lift of the mid greys
    noise: tuple[float, float]  # standard deviation
    border: float  # largest width of the black collimation border, as a share of the side
    marker: tuple[float, float, float] | None  # height, width and grey of a corner label
    marked: float = 1.0  # share of the images with the label


STYLES: Mapping[str, Style] = {
    "mimic": Style((0.8, 1.1), (-0.1, 0.15), (0.015, 0.05), 0.0, (0.06, 0.05, 0.95), 0.3),
    "nih": Style((0.6, 0.8), (0.1, 0.4), (0.01, 0.03), 0.05, (0.05, 0.12, 0.8), 0.8),
    "chexpert": Style((1.0, 1.4), (-0.4, -0.1), (0.01, 0.025), 0.0, (0.09, 0.17, 0.95), 0.9),
}


def render_images(
    population: Population, size: int, style: Style, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the population's images in order, uint8 (size, size), with the boxes of their findings.

    Anatomy is drawn once per patient, the appearance of the findings once per study, pose, exposure and
    noise once per image. The boxes are float32 (26, 4), see :func:`cxrlt_core.demo.boxes.bounding_boxes`.
    """
    images = population.images
    anatomy = rng.random((images["patient"].max() + 1, TRAITS), dtype=np.float32)
    looks = rng.random((images["study"].max() + 1, len(CLASSES), LOOK), dtype=np.float32)
    step = max(1, CHUNK_PIXELS // size**2)
    for start in range(0, len(images), step):
        rows = images.iloc[start : start + step]
        views, findings = rows["view"].to_numpy(dtype=str), population.findings[start : start + step]
        chunk_looks = looks[rows["study"]]
        marks = place_landmarks(anatomy[rows["patient"]], views, findings, chunk_looks)
        canvas = Canvas(marks, *_coordinates(len(rows), size, rng))
        draw_chest(canvas)
        boxes = draw_lesions(canvas, findings, chunk_looks)
        yield from zip(_expose(canvas.map, style, rng), boxes, strict=True)


def _coordinates(count: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return x (n, 1, size) and y (n, size, 1) of the pixels, each image in a slightly different pose."""
    axis = ((np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1)[None]
    scale, right, down = rng.uniform(-0.03, 0.03, (3, count, 1)).astype(np.float32)
    x, y = axis * (1 + scale) + right, axis * (1 + scale) + down
    return x[:, None, :], y[:, :, None]


def _expose(thickness: np.ndarray, style: Style, rng: np.random.Generator) -> np.ndarray:
    """Turn thickness into grey values: absorption, tone curve, noise, borders and labels."""
    count, size, _ = thickness.shape

    def draw(limits: tuple[float, float]) -> np.ndarray:
        return rng.uniform(*limits, (count, 1, 1)).astype(np.float32)

    grey = 1 - np.exp(-draw(style.contrast) * thickness.clip(0))
    grey *= 1 + draw(style.tone) * (1 - grey)
    grey += draw(style.noise) * rng.standard_normal(grey.shape, dtype=np.float32)
    if style.border:
        _blacken_border(grey, draw((0, style.border)))
    if style.marker:
        marked = np.flatnonzero(rng.random(count) < style.marked)
        height, width = (max(1, round(share * size)) for share in style.marker[:2])
        offset = 0 if height > 0.08 * size else max(1, size // 32)
        grey[marked, offset : offset + height, offset : offset + width] = style.marker[2]
    return (255 * np.clip(grey, 0, 1) + 0.5).astype(np.uint8)


def _blacken_border(grey: np.ndarray, width: np.ndarray) -> None:
    size = grey.shape[-1]
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    inside = np.minimum(place, 1 - place) > width
    grey *= inside & inside.transpose(0, 2, 1)
