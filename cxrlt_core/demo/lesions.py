"""The findings of a phantom: what each adds to, or subtracts from, the thickness along the rays.

Findings that change the anatomy (Cardiomegaly, Emphysema, …) move landmarks instead, see
:func:`cxrlt_core.demo.anatomy.place_landmarks`; some do both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cxrlt_core.demo.anatomy import Canvas
from cxrlt_core.demo.boxes import EDGES, bounding_boxes
from cxrlt_core.demo.classes import CLASSES


@dataclass(frozen=True)
class Look:
    """Appearance of a finding in n studies, each (n, 1, 1) float32 in 0..1, ``side`` excepted.

    ``side`` is +1 for the patient's left lung and -1 for the right one.
    """

    severity: np.ndarray
    side: np.ndarray
    u: np.ndarray
    v: np.ndarray
    depth: np.ndarray
    form: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray) -> "Look":
        """Read the (n, LOOK) numbers of one finding."""
        severity, side, *rest = numbers.T[:, :, None, None]
        return cls(severity, np.where(side < 0.5, -1, 1).astype(np.float32), *rest)

    def between(self, mild: float, grave: float) -> np.ndarray:
        """Interpolate by the severity."""
        return np.float32(mild) + np.float32(grave - mild) * self.severity

    def place(
        self, c: Canvas, u: tuple[float, float], v: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of a position in the lung, within the given ranges."""
        across, down = u[0] + (u[1] - u[0]) * self.u, v[0] + (v[1] - v[0]) * self.v
        return c.in_lung(self.side, across, down, self.depth)


Painter = Callable[[Canvas, Look], np.ndarray]

#: How much stronger all findings are than on a real X-ray: a training of seconds has to see them.
STRENGTH = np.float32(2.5)


def draw_lesions(canvas: Canvas, findings: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """Add the findings, bool (n, 26), to the images that have them; looks (n, 26, LOOK) are in 0..1.

    Returns the boxes of the findings, float32 (n, 26, 4), see :func:`cxrlt_core.demo.boxes.bounding_boxes`;
    NaN for those that only move landmarks.
    """
    boxes = np.full((*findings.shape, len(EDGES)), np.nan, np.float32)
    for name, paint in PAINTERS.items():
        column = CLASSES.index(name)
        rows = np.flatnonzero(findings[:, column])
        if rows.size:
            part = canvas.take(rows)
            amount = STRENGTH * paint(part, Look.of(looks[rows, column]))
            canvas.map[rows] += amount
            boxes[rows, column] = bounding_boxes(amount)
    return boxes


def _atelectasis(c: Canvas, k: Look) -> np.ndarray:
    """Plate-like bands above the diaphragm, which is elevated."""
    x, y = k.place(c, (0.35, 0.65), (0.72, 0.9))
    slope = 0.5 * (k.form - 0.5)
    band = c.line(c.y - y - slope * (c.x - x), 0.07) + c.line(c.y - y + 0.14 - c.x * slope, 0.03)
    return k.between(0.1, 0.3) * band * c.edge(0.2 - np.abs(c.x - x), 0.1) * c.lungs


def _calcified_aorta(c: Canvas, k: Look) -> np.ndarray:
    """A bright rim around the aortic knob."""
    x, y = c.knob
    radius = np.sqrt((c.x - x) ** 2 + (c.y - y) ** 2)
    rim = c.line(radius - c.marks.knob, 0.035) * c.edge(k.form - 0.2 + (c.x - x) * 8, 0.5)
    return k.between(0.4, 1) * rim


def _consolidation(c: Canvas, k: Look) -> np.ndarray:
    """A dense lobe with a sharp lower or upper border, the fissure."""
    x, y = k.place(c, (0.4, 0.7), (0.35, 0.75))
    fissure = np.sign(k.form - 0.5) * (c.y - y - 0.25 * (c.x - x))
    return k.between(0.12, 0.4) * c.disc(x, y, 0.24, 0.3, 0.5) * c.edge(fissure) * c.lungs


def _edema(c: Canvas, k: Look) -> np.ndarray:
    """Bat-wing haze around both hila and short lines at the lungs' outer border."""
    wings = np.exp(-(((c.u - c.hilum - 0.06) / 0.16) ** 2 + ((c.y + 0.02) / 0.28) ** 2))
    lines = np.clip(np.cos(2 * np.pi * c.y / 0.1), 0, 1) * c.edge(c.u - c.outer + 0.16, 0.08)
    lines = lines * c.edge(c.y + 0.05, 0.2)
    return k.between(0.05, 0.26) * (wings + 0.35 * lines) * c.lungs


def _emphysema(c: Canvas, k: Look) -> np.ndarray:
    """A bulla, darker than the lung, with a thin wall; the diaphragm is low and flat."""
    x, y = k.place(c, (0.5, 0.8), (0.15, 0.45))
    inside = c.disc(x, y, 0.13, 0.17)
    wall = inside * (1 - inside)
    return (k.between(0.15, 0.4) * wall - 0.16 * inside) * c.lungs


def _fibrosis(c: Canvas, k: Look) -> np.ndarray:
    """A net of fine lines in the lower and outer lungs."""
    grid = np.cos(2 * np.pi * (c.x + c.y) / 0.15 + k.u) * np.cos(2 * np.pi * (c.x - c.y) / 0.15)
    where = c.edge(c.y - c.marks.apex - 0.45, 0.4) * c.edge(c.u - c.inner - 0.15, 0.3)
    return k.between(0.35, 0.65) * (np.abs(grid) - 0.15) * where * c.lungs


def _fracture(c: Canvas, k: Look) -> np.ndarray:
    """Displaced, bright rib ends with dark gaps near the chest wall, on two or three ribs."""
    edge = c.in_lung(k.side, np.float32(0.93), np.float32(0.5), k.depth)[0]
    y = c.marks.apex + 0.3 + 0.4 * k.v
    across = (c.x - edge) * k.side
    pattern = np.cos(2 * np.pi * (c.y - y - 0.8 * across) / 0.19)
    where = c.edge(0.1 - np.abs(across), 0.06) * c.edge(0.19 - np.abs(c.y - y), 0.1)
    return k.between(0.12, 0.38) * np.clip(2 * pattern, -0.6, 1) * where


def _hernia(c: Canvas, k: Look) -> np.ndarray:
    """A round shadow behind the heart with air over a fluid level."""
    x = c.marks.mid + np.where(c.marks.lateral, 0.25, 0.16 * (k.u - 0.3))
    y = c.marks.dome_right - 0.04
    sac = c.disc(x, y, 0.22, 0.2)
    air = c.disc(x, y, 0.17, 0.15) * c.edge(y - c.y)
    return k.between(0.4, 0.8) * sac - k.between(1.1, 1.7) * air


def _infiltration(c: Canvas, k: Look) -> np.ndarray:
    """Several ill-defined spots in a row along the bronchi."""
    x, y = k.place(c, (0.35, 0.55), (0.3, 0.65))
    spots = sum(
        c.blob(x + k.side * dx, y + dy, 0.06, 0.06)
        for dx, dy in ((0, 0), (0.13, 0.1), (-0.02, 0.2), (0.12, -0.11), (0.2, 0.24))
    )
    return k.between(0.25, 0.5) * spots * c.lungs


def _lung_lesion(c: Canvas, k: Look) -> np.ndarray:
    """A cavity: a thick ring with a dark middle."""
    x, y = k.place(c, (0.35, 0.7), (0.25, 0.7))
    radius = k.between(0.11, 0.15)
    ring = c.disc(x, y, radius, radius) - 1.4 * c.disc(x, y, radius * 0.6, radius * 0.6)
    return 0.6 * ring * c.lungs


def _lung_opacity(c: Canvas, k: Look) -> np.ndarray:
    """A veil over the larger part of one lung."""
    x, y = k.place(c, (0.45, 0.55), (0.35, 0.8))
    return k.between(0.04, 0.22) * c.blob(x, y, 0.34, 0.4) * c.half(k.side) * c.lungs


def _mass(c: Canvas, k: Look) -> np.ndarray:
    """A large dense disc."""
    x, y = k.place(c, (0.3, 0.7), (0.25, 0.75))
    radius = k.between(0.12, 0.19)
    return 0.55 * c.disc(x, y, radius, radius * 0.9, 0.4) * c.lungs


def _nodule(c: Canvas, k: Look) -> np.ndarray:
    """One to three small dense discs."""
    x, y = k.place(c, (0.3, 0.7), (0.25, 0.7))
    radius = k.between(0.055, 0.075)
    disc = c.disc(x, y, radius, radius, 0.5)
    disc = disc + (k.form > 0.3) * c.disc(x + k.side * 0.14, y - 0.2, radius, radius, 0.5)
    disc = disc + (k.form > 0.7) * c.disc(x - k.side * 0.03, y + 0.22, radius, radius, 0.5)
    return k.between(0.4, 0.65) * disc * c.lungs


def _pleural_effusion(c: Canvas, k: Look) -> np.ndarray:
    """Fluid at the base that rises along the chest wall; both sides if it is severe."""
    m = c.marks
    reach = (c.u - m.inner) / (m.outer - m.inner)
    level = c.top + 0.16 - k.between(-0.1, 0.22) - 0.5 * np.maximum(reach - 0.35, 0) ** 2
    sides = np.where(k.severity > 0.6, 1, c.half(k.side))
    return 0.28 * c.edge(c.y - level, 0.08) * sides * c.lungs


def _pleural_other(c: Canvas, k: Look) -> np.ndarray:
    """Calcified plaques on the diaphragm and the chest wall."""
    on_dome = c.line(c.y - c.dome + 0.02, 0.045)
    dashes = np.clip(2 * np.cos(2 * np.pi * c.u / 0.22 + 6 * k.form) + 1, 0, 1)
    on_wall = c.line(c.outer - c.u - 0.04, 0.045) * c.edge(c.y + 0.1)
    beads = np.clip(2 * np.cos(2 * np.pi * c.y / 0.22 + 6 * k.form) + 1, 0, 1)
    return k.between(0.6, 1) * (on_dome * dashes + on_wall * beads) * (c.lungs > 0.1)


def _pleural_thickening(c: Canvas, k: Look) -> np.ndarray:
    """A bright band inside the chest wall, from the apex down."""
    depth = k.between(0.05, 0.11)
    band = c.edge(c.u - c.outer + depth) * c.edge(0.1 + 0.3 * k.form - c.y, 0.2)
    cap = c.edge(c.marks.apex + 0.12 + depth - c.y, 0.08)
    return k.between(0.2, 0.4) * np.maximum(band, cap) * c.half(k.side) * c.lungs


def _pneumomediastinum(c: Canvas, k: Look) -> np.ndarray:
    """Dark lines along both borders of the mediastinum and up into the neck."""
    away = np.abs(np.abs(c.x - c.marks.mid) - c.marks.mediastinum + 0.02)
    tall = c.edge(c.y + 0.95, 0.1) * c.edge(0.2 - c.y, 0.2)
    return -k.between(0.35, 0.6) * c.line(away, 0.055) * tall


def _pneumonia(c: Canvas, k: Look) -> np.ndarray:
    """A mottled patch with air in the bronchi."""
    x, y = k.place(c, (0.35, 0.65), (0.5, 0.8))
    mottle = np.cos(24 * (c.x + 0.4 * c.y) + 6 * k.form) * np.cos(22 * (c.y - 0.3 * c.x))
    return k.between(0.08, 0.3) * c.blob(x, y, 0.2, 0.22) * (1 + 0.7 * mottle) * c.lungs


def _pneumoperitoneum(c: Canvas, k: Look) -> np.ndarray:
    """A dark crescent of air under the diaphragm."""
    depth = c.y - c.dome
    crescent = c.edge(depth - 0.02) * c.edge(k.between(0.09, 0.15) - depth)
    right = np.where(k.form < 0.5, 1, c.half(np.float32(-1)))
    middle = (c.marks.inner + c.marks.outer) / 2
    return -k.between(0.8, 1.2) * crescent * right * c.edge(0.22 - np.abs(c.u - middle), 0.1)


def _pneumothorax(c: Canvas, k: Look) -> np.ndarray:
    """Air without vessels around a collapsed lung with a bright rim."""
    m = c.marks
    gap = k.between(0.04, 0.14)
    apex = m.apex + 1.5 * gap
    inside = np.minimum(c.outer - gap - c.u, (c.y - apex) * np.float32(0.7))
    air = c.edge(-inside) * c.half(k.side) * c.lungs
    rim = c.line(inside, 0.04) * c.half(k.side) * c.lungs
    return 0.15 * rim - 0.15 * air


def _subcutaneous_emphysema(c: Canvas, k: Look) -> np.ndarray:
    """Dark streaks in the soft tissue beside the lungs and above the clavicles."""
    outside = c.edge(c.u - c.outer - 0.04) * c.edge(0.35 - c.y, 0.3)
    streaks = np.cos(2 * np.pi * (c.u * 1.2 + 0.5 * c.y) / 0.13 + 6 * k.form)
    sides = np.where(k.severity > 0.5, 1, c.half(k.side))
    return -k.between(0.12, 0.36) * np.clip(streaks + 0.2, 0, 1) * outside * sides


def _support_devices(c: Canvas, k: Look) -> np.ndarray:
    """One or two of: tracheal tube, central line, gastric tube, pacemaker."""
    m = c.marks
    chosen = np.floor(k.form * 6)
    tube = c.line(c.x - m.mid - 0.02, 0.05) * c.edge(-0.22 - c.y)
    vein = m.mid + m.view(-0.12, -0.05)
    path = vein + k.side * np.maximum(-0.3 - c.y, 0) ** 1.5 * 1.6
    central = c.line(c.x - path, 0.05) * c.edge(0.1 - c.y) * c.edge(c.y + 0.85)
    gastric = c.line(c.x - m.mid - 0.04 - 2 * np.clip(c.y - 0.3, 0, 0.4) ** 2, 0.04)
    gastric = gastric * c.edge(0.75 - c.y)
    show = [np.isin(chosen, kinds) for kinds in ((0, 1, 5), (1, 2, 4), (0, 3), (4, 5))]
    drawn = show[0] * tube + show[1] * central + show[2] * gastric + show[3] * _pacemaker(c, k)
    return k.between(0.2, 0.6) * drawn


def _pacemaker(c: Canvas, k: Look) -> np.ndarray:
    """A box below the left clavicle, or in front, with a lead into the heart."""
    m = c.marks
    x = m.mid + np.where(m.lateral, m.inner + 0.02, 0.55 + 0.06 * k.u)
    y = -0.42 + 0.08 * k.v
    across = m.view(0.12, 0.05)
    box = c.edge(across - np.abs(c.x - x)) * c.edge(0.09 - np.abs(c.y - y))
    share = np.clip((c.y - y) / (m.heart_y - y), 0, 1)
    lead = c.line(c.x - x + (x - m.heart_x) * np.sqrt(share), 0.04)
    lead = lead * c.edge(c.y - y) * c.edge(m.heart_y + 0.12 - c.y)
    return box + 0.8 * lead


def _tortuous_aorta(c: Canvas, k: Look) -> np.ndarray:
    """A winding shadow beside the spine under the enlarged knob."""
    m = c.marks
    sway = 0.07 * np.sin(2 * np.pi * (c.y + 0.32) / 0.55) * k.between(0.8, 1.3)
    path = m.mid + m.view(0.2, 0.3) + sway
    tall = c.edge(c.y + 0.38, 0.15) * c.edge(m.heart_y + 0.05 - c.y, 0.15)
    return k.between(0.12, 0.35) * c.edge(0.075 - np.abs(c.x - path), 0.06) * tall


PAINTERS: Mapping[str, Painter] = {
    "Atelectasis": _atelectasis,
    "Calcification of the Aorta": _calcified_aorta,
    "Consolidation": _consolidation,
    "Edema": _edema,
    "Emphysema": _emphysema,
    "Fibrosis": _fibrosis,
    "Fracture": _fracture,
    "Hernia": _hernia,
    "Infiltration": _infiltration,
    "Lung Lesion": _lung_lesion,
    "Lung Opacity": _lung_opacity,
    "Mass": _mass,
    "Nodule": _nodule,
    "Pleural Effusion": _pleural_effusion,
    "Pleural Other": _pleural_other,
    "Pleural Thickening": _pleural_thickening,
    "Pneumomediastinum": _pneumomediastinum,
    "Pneumonia": _pneumonia,
    "Pneumoperitoneum": _pneumoperitoneum,
    "Pneumothorax": _pneumothorax,
    "Subcutaneous Emphysema": _subcutaneous_emphysema,
    "Support Devices": _support_devices,
    "Tortuous Aorta": _tortuous_aorta,
}
