"""Chest X-ray phantoms: a population rendered as grey images in the style of an institution."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cxrlt_core.demo.anatomy import LOOK, TRAITS, Canvas, draw_chest, place_landmarks
from cxrlt_core.demo.lesions import draw_lesions
from cxrlt_core.demo.population import Population
from cxrlt_core.labels import CLASSES

#: Images rendered at once at 64 px; their float32 maps then stay in the processor's cache.
CHUNK_PIXELS = 64 * 64 * 64


@dataclass(frozen=True)
class Style:
    """How an institution's pictures differ from another's; grey values from 0 to 1."""

    contrast: tuple[float, float]  # range of the exponent's scale
    tone: tuple[float, float]  # how much the mid greys are lifted
    noise: tuple[float, float]  # standard deviation
    border: float  # largest width of the black collimation border, share of the side
    marker: tuple[float, float, float] | None  # height, width and grey of a corner label
    marked: float = 1.0  # share of the images with the label


STYLES: Mapping[str, Style] = {
    "mimic": Style((0.8, 1.1), (-0.1, 0.15), (0.015, 0.05), 0.0, (0.06, 0.05, 0.95), 0.3),
    "nih": Style((0.6, 0.8), (0.1, 0.4), (0.01, 0.03), 0.05, (0.05, 0.12, 0.8), 0.8),
    "chexpert": Style((1.0, 1.4), (-0.4, -0.1), (0.01, 0.025), 0.0, (0.09, 0.17, 0.95), 0.9),
}


def render(
    population: Population, size: int, style: Style, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the population's images in order, each (size, size) uint8, with the boxes of its findings.

    The boxes are float32 (26, 4), see :func:`cxrlt_core.demo.places.boxes_of`.

    Anatomy is drawn once a patient, the looks of the findings once a study, pose, exposure and
    noise once an image.
    """
    images = population.images
    anatomy = rng.random((images["patient"].max() + 1, TRAITS), dtype=np.float32)
    shape = (images["study"].max() + 1, len(CLASSES), LOOK)
    looks = rng.random(shape, dtype=np.float32)
    patient, study = images["patient"].to_numpy(), images["study"].to_numpy()
    view = images["view"].to_numpy(dtype=str)
    step = max(1, CHUNK_PIXELS // size**2)
    for start in range(0, len(images), step):
        rows = slice(start, start + step)
        yield from _render_chunk(
            anatomy[patient[rows]],
            looks[study[rows]],
            view[rows],
            population.findings[rows],
            size,
            style,
            rng,
        )


def _render_chunk(
    anatomy: np.ndarray,
    looks: np.ndarray,
    view: np.ndarray,
    findings: np.ndarray,
    size: int,
    style: Style,
    rng: np.random.Generator,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    marks = place_landmarks(anatomy, view, findings, looks)
    canvas = Canvas(marks, *_coordinates(len(view), size, rng))
    draw_chest(canvas)
    boxes = draw_lesions(canvas, findings, looks)
    return zip(_expose(canvas.map, style, rng), boxes, strict=True)


def _coordinates(count: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return x (n, 1, size) and y (n, size, 1) of the pixels, posed a little differently each."""
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
