"""The anatomy of a phantom: landmarks of a patient's chest, seen from the front or the side.

Coordinates: x from -1 (left of the picture, the patient's right) to 1, y from -1 (top) to 1.
A lung is described by ``u``, the distance from the midline of a frontal view, so that both lungs
have the same shape; in a lateral view, where the lungs overlap, ``u`` is x.
"""

from copy import copy
from typing import NamedTuple

import numpy as np

from cxrlt_core.demo.classes import CLASSES

#: Numbers in 0..1 that describe a patient's body.
TRAITS = 21

#: Numbers in 0..1 that describe the appearance of a finding: severity, side, position (3), form.
LOOK = 6


class Landmarks(NamedTuple):
    """Positions and sizes of n images, each (n, 1, 1) float32; ``lateral`` is bool."""

    lateral: np.ndarray
    mid: np.ndarray  # x of the midline, or of the middle of the chest from the side
    waist: np.ndarray  # half width of the trunk
    thickness: np.ndarray  # of the trunk
    fat: np.ndarray  # breast shadow
    apex: np.ndarray  # y of the top of the lungs
    apex_u: np.ndarray  # u of the top of the lungs
    inner: np.ndarray  # u of the lungs' inner border
    outer: np.ndarray  # u of the lungs' outer border
    dome_right: np.ndarray  # y of the top of the diaphragm
    dome_left: np.ndarray
    dome_curve: np.ndarray  # fall of the diaphragm from its top to its edge
    air: np.ndarray  # thickness that the lungs remove
    heart_x: np.ndarray
    heart_y: np.ndarray
    heart_rx: np.ndarray
    heart_ry: np.ndarray
    mediastinum: np.ndarray  # half width
    knob: np.ndarray  # radius of the aortic knob
    spine_x: np.ndarray
    spine_bend: np.ndarray
    rib_spacing: np.ndarray
    rib_slope: np.ndarray
    bubble_x: np.ndarray
    bubble_r: np.ndarray
    grain: np.ndarray  # phase of the lungs' texture

    def view(self, front: float, side: float) -> np.ndarray:
        """Choose between the values of a frontal and a lateral view, (n, 1, 1) float32."""
        return np.where(self.lateral, np.float32(side), np.float32(front))

    def take(self, rows: np.ndarray) -> "Landmarks":
        """Return the landmarks of some of the images."""
        return Landmarks(*(landmark[rows] for landmark in self))


def place_landmarks(
    traits: np.ndarray, views: np.ndarray, findings: np.ndarray, looks: np.ndarray
) -> Landmarks:
    """Turn patients' traits into landmarks, moved by the findings that change the anatomy.

    Traits (n, TRAITS), the same for all images of a patient, and looks (n, 26, LOOK), the same for all of a
    study, are in 0..1; views (n,) are PA, AP and LATERAL; findings are bool (n, 26).
    """
    trait = iter(traits.astype(np.float32).T[:, :, None, None])
    lateral = (views == "LATERAL")[:, None, None]
    ap = (views == "AP").astype(np.float32)[:, None, None]

    def vary(low: float, high: float) -> np.ndarray:
        return np.float32(low) + np.float32(high - low) * next(trait)

    def view(front: np.ndarray | float, side: np.ndarray | float) -> np.ndarray:
        return np.where(lateral, side, front).astype(np.float32)

    def grade(name: str, mild: float, grave: float) -> np.ndarray:
        column = CLASSES.index(name)
        amount = mild + (grave - mild) * looks[:, column, 0]
        return (findings[:, column] * amount).astype(np.float32)[:, None, None]

    emphysema = grade("Emphysema", 0.4, 1)
    collapse = grade("Atelectasis", 0.02, 0.08)
    collapsed_left = (looks[:, CLASSES.index("Atelectasis"), 1] >= 0.5)[:, None, None]
    tortuous = grade("Tortuous Aorta", 0.1, 0.6)
    mid, habitus = vary(-0.03, 0.03), vary(0.86, 1.08)
    base = vary(0.3, 0.48) - 0.06 * ap + 0.14 * emphysema
    dome_gap = vary(0.02, 0.1)
    size = vary(0.24, 0.285) * (1 + 0.14 * ap) * (1 + grade("Cardiomegaly", 0.03, 0.22))
    size = size * (1 - 0.12 * emphysema)
    return Landmarks(
        lateral=lateral,
        mid=view(mid, mid - 0.02),
        waist=view(0.98, 0.76) * habitus,
        thickness=vary(0.95, 1.35),
        fat=np.maximum(vary(-0.3, 0.3), 0),
        apex=vary(-0.86, -0.74),
        apex_u=view(0.3, 0.08),
        inner=view(0.1, -0.52 * habitus),
        outer=view(vary(0.7, 0.8) * habitus, 0.58 * habitus),
        dome_right=base - collapse * ~collapsed_left,
        dome_left=base + dome_gap - collapse * collapsed_left,
        dome_curve=vary(0.12, 0.24) * (1 - 0.6 * np.minimum(emphysema, 1)),
        air=vary(0.72, 0.88) + 0.12 * emphysema,
        heart_x=view(mid + 0.45 * size + 0.01, mid - 0.2 + 0.2 * size),
        heart_y=base - vary(0.06, 0.12),
        heart_rx=size * view(1.25, 1.1),
        heart_ry=size * vary(0.95, 1.15),
        mediastinum=vary(0.12, 0.16) + grade("Enlarged Cardiomediastinum", 0.01, 0.05),
        knob=vary(0.07, 0.09) + 0.06 * tortuous,
        spine_x=view(mid, mid + 0.5 * habitus),
        spine_bend=view(vary(-0.05, 0.05), 0.12),
        rib_spacing=vary(0.17, 0.21),
        rib_slope=view(vary(0.3, 0.6), 0.5),
        bubble_x=vary(0.3, 0.5),
        bubble_r=vary(0.06, 0.12),
        grain=vary(0, 2 * np.pi),
    )


class Canvas:
    """Thickness maps of n images, with the coordinates, landmarks and shapes to draw on them.

    ``x`` and ``u`` are (n, 1, size), ``y`` is (n, size, 1), ``lungs`` is the lungs' mask and
    ``map`` the thickness of the tissue along the rays, both (n, size, size) float32.
    """

    def __init__(self, marks: Landmarks, x: np.ndarray, y: np.ndarray) -> None:
        """Place the lungs; ``map`` starts empty."""
        self.marks, self.x, self.y = marks, x, y
        self.pixel = np.float32(2 / x.shape[-1])
        self.u = np.where(marks.lateral, x - marks.mid, np.abs(x - marks.mid))
        left = np.clip(0.5 + (x - marks.mid) / 0.1, 0, 1) * ~marks.lateral
        self.top = marks.dome_right + (marks.dome_left - marks.dome_right) * left
        centre = (marks.inner + marks.outer) / 2
        fall = ((self.u - centre) / (marks.outer - centre)) ** 2
        self.dome = self.top + marks.dome_curve * fall
        rise = np.clip((y - marks.apex) / 0.75, 0, 1)
        rise = np.sqrt(rise * (2 - rise))
        self.inner = marks.apex_u + (marks.inner - marks.apex_u) * rise
        self.outer = marks.apex_u + (marks.outer - marks.apex_u) * rise
        self.lungs = self.edge(self.u - self.inner) * self.edge(self.outer - self.u)
        self.lungs *= self.edge(self.dome - y)
        self.map = np.zeros_like(self.lungs)

    def take(self, rows: np.ndarray) -> "Canvas":
        """Return a canvas of some of the images, with an empty map."""
        part = copy(self)
        part.marks = self.marks.take(rows)
        for name in ("x", "y", "u", "top", "dome", "inner", "outer", "lungs"):
            setattr(part, name, getattr(self, name)[rows])
        part.map = np.zeros_like(part.lungs)
        return part

    @property
    def hilum(self) -> np.ndarray:
        """The ``u`` of the lungs' roots."""
        return self.marks.view(0.2, 0.05)

    @property
    def knob(self) -> tuple[np.ndarray, np.ndarray]:
        """The x and y of the aortic knob."""
        x = self.marks.mid + self.marks.view(0.14, 0.08)
        return x, np.full_like(x, -0.3)

    def edge(self, distance: np.ndarray, width: float = 0.04) -> np.ndarray:
        """Step from 0 to 1 where the distance passes 0, soft over ``width``, at least a pixel."""
        slope = 1 / np.maximum(np.float32(width), self.pixel)
        step = distance * slope
        step += np.float32(0.5)
        return np.clip(step, 0, 1, out=step)

    def blob(self, x: np.ndarray, y: np.ndarray, rx: float, ry: float) -> np.ndarray:
        """Gaussian around a point."""
        return np.exp(-(((self.x - x) / rx) ** 2)) * np.exp(-(((self.y - y) / ry) ** 2))

    def disc(
        self, x: np.ndarray, y: np.ndarray, rx: np.ndarray, ry: np.ndarray, soft: float = 0.3
    ) -> np.ndarray:
        """Ellipse with a soft rim, which takes the share ``soft`` of the squared radius."""
        across = (1 - ((self.x - x) / rx) ** 2) / soft
        down = ((self.y - y) / ry) ** 2 / soft
        return np.clip(across - down, 0, 1)

    def line(self, distance: np.ndarray, width: float) -> np.ndarray:
        """Triangular profile around distance 0; a line under a pixel wide grows fainter."""
        reach = max(width, float(self.pixel))
        profile = np.abs(distance)
        profile *= np.float32(-width / reach**2)
        profile += np.float32(width / reach)
        return np.maximum(profile, 0, out=profile)

    def half(self, side: np.ndarray) -> np.ndarray:
        """Mask of one side of the body, +1 left (right of the picture) or -1; all of a lateral view."""
        m = self.marks
        return np.where(m.lateral, 1, self.edge((self.x - m.mid) * side)).astype(np.float32)

    def in_lung(
        self, side: np.ndarray, u: np.ndarray, v: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the x and y of a position in a lung.

        ``u`` runs from the inner (0) to the outer border, ``v`` from the apex (0) to the base,
        ``depth`` from front (0) to back, which only a lateral view shows.
        """
        m = self.marks
        across = np.where(m.lateral, 0.1 + 0.8 * depth, u)
        at = m.inner + across * (m.outer - m.inner)
        x = m.mid + np.where(m.lateral, at, side * at)
        base = np.where(side > 0, m.dome_left, m.dome_right)
        return x, m.apex + v * (base - m.apex)


def draw_chest(canvas: Canvas) -> None:
    """Add the body without findings: trunk, lungs, bones, heart and vessels, abdomen."""
    c, m = canvas, canvas.marks
    trunk = _trunk(c)
    c.map += m.thickness * trunk - m.air * c.lungs
    c.map += 0.35 * c.edge(c.y - c.dome) * trunk
    c.map += _mediastinum(c) + _heart(c)
    c.map += _bones(c)
    c.map += m.fat * c.edge(0.3 - np.abs(c.u - 0.42), 0.2) * c.edge(0.35 - np.abs(c.y - 0.2), 0.2)
    bubble_y = m.dome_left + 0.16 + m.bubble_r / 2
    c.map -= 0.5 * c.disc(m.mid + m.bubble_x, bubble_y, m.bubble_r * 1.5, m.bubble_r)
    hilum = np.exp(-(((c.u - c.hilum) / 0.12) ** 2)) * np.exp(-(((c.y + 0.08) / 0.16) ** 2))
    grain = np.cos(9 * c.u + m.grain) * np.cos(7 * c.y + 2 * m.grain)
    c.map += (0.22 * hilum + 0.03 * grain) * c.lungs


def _trunk(c: Canvas) -> np.ndarray:
    m = c.marks
    shoulder = np.sqrt(np.clip((c.y + 1) / 0.4, 0, 1))
    neck = m.view(0.32, 0.45)
    width = neck + (m.waist * m.view(1.2, 1.05) - neck) * shoulder
    width = width - m.view(0.2, 0.05) * np.clip(c.y + 0.6, 0, 1) * m.waist
    return np.sqrt(np.clip(1 - ((c.x - m.mid) / width) ** 2, 0, 1))


def _mediastinum(c: Canvas) -> np.ndarray:
    m = c.marks
    # In a lateral view the mediastinum spreads over the middle of the chest.
    width = m.mediastinum * m.view(1, 1.5)
    band = c.edge(width - np.abs(c.x - m.mid), 0.06)
    tall = c.edge(c.y + 0.62, 0.25) * c.edge(m.heart_y + 0.1 - c.y, 0.2)
    trachea = c.edge(0.045 - np.abs(c.x - m.mid - 0.01)) * c.edge(-0.28 - c.y, 0.15)
    knob = c.disc(*c.knob, m.knob, m.knob, 0.5)
    return m.view(0.38, 0.22) * band * tall - 0.3 * trachea + 0.35 * knob


def _heart(c: Canvas) -> np.ndarray:
    m = c.marks
    across, down = c.x - m.heart_x, c.y - m.heart_y
    # The heart's axis tilts to the patient's left, or to the front.
    tilt = m.view(0.35, -0.3)
    a, b = 1.8 / m.heart_rx**2, 1.8 / m.heart_ry**2
    # The ellipse a (x - tilt y)² + b (y - tilt x)², expanded: terms in x or y alone are cheap.
    radius = (2 * tilt * (a + b) * across) * down
    radius -= (a + tilt**2 * b) * across**2
    radius -= (b + tilt**2 * a) * down**2 - 1.8
    return np.float32(0.6) * np.clip(radius, 0, 1, out=radius)


def _bones(c: Canvas) -> np.ndarray:
    m = c.marks
    spine = c.edge(0.09 - np.abs(c.x - m.spine_x + m.spine_bend * c.y**2), 0.05)
    vertebrae = 0.75 + 0.25 * np.clip(3 * np.cos(2 * np.pi * c.y / 0.16), -1, 1)
    arch = m.rib_slope * np.where(m.lateral, -c.u, (c.u - 0.25) ** 2)
    ribs = np.cos((2 * np.pi / m.rib_spacing) * (c.y - arch))
    bones = np.clip(0.3 * ribs - 0.135, 0, 0.15) * c.lungs
    bones += 0.22 * vertebrae * spine
    along = m.view(0.3, 0) * c.edge(0.75 - c.u) * c.edge(c.u - 0.05)
    bones += along * c.line(c.y + 0.58 + 0.22 * c.u, 0.035)
    sternum = m.view(0, 0.3) * c.edge(0.03 - np.abs(c.x - m.mid - m.inner + 0.08))
    return bones + sternum * (c.edge(c.y + 0.5) * c.edge(0.3 - c.y))
