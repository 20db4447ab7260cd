"""Synthetic patients, studies and images: who has which findings, and what the labels say.

Findings belong to a study. They are correlated through latent factors that mostly persist between the
studies of a patient, and their frequencies follow those of CXR-LT 2023, less extremely.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.labels import TRAINING_IMAGES, TRAINING_POSITIVES

#: Share of the positives that the labels miss; the same number of false positives is added.
LABEL_NOISE = 0.07

#: Smallest number of positive studies of every class in every set.
MIN_POSITIVES = 3

FACTORS = ("heart failure", "infection", "air leak", "tumour", "ageing aorta", "chronic pleura")

#: Loadings of the classes on the factors, in the order of FACTORS; the rest of a score is noise.
LOADINGS: Mapping[str, tuple[float, ...]] = {
    "Atelectasis": (0.3, 0.3, 0, 0, 0, 0),
    "Calcification of the Aorta": (0, 0, 0, 0, 0.8, 0),
    "Cardiomegaly": (0.7, 0, 0, 0, 0.2, 0),
    "Consolidation": (0, 0.7, 0, 0, 0, 0),
    "Edema": (0.8, 0, 0, 0, 0, 0),
    "Emphysema": (0, 0, 0.4, 0, 0, 0.3),
    "Enlarged Cardiomediastinum": (0.4, 0, 0, 0, 0.4, 0),
    "Fibrosis": (0, 0, 0, 0, 0, 0.6),
    "Fracture": (0, 0, 0.4, 0, 0.2, 0),
    "Hernia": (0, 0, 0, 0, 0.4, 0),
    "Infiltration": (0, 0.6, 0, 0, 0, 0),
    "Lung Lesion": (0, 0, 0, 0.7, 0, 0),
    "Lung Opacity": (0.3, 0.6, 0, 0, 0, 0),
    "Mass": (0, 0, 0, 0.7, 0, 0),
    "Nodule": (0, 0, 0, 0.7, 0, 0),
    "Pleural Effusion": (0.6, 0.2, 0, 0.2, 0, 0),
    "Pleural Other": (0, 0, 0, 0, 0, 0.7),
    "Pleural Thickening": (0, 0, 0, 0, 0, 0.7),
    "Pneumomediastinum": (0, 0, 0.8, 0, 0, 0),
    "Pneumonia": (0, 0.8, 0, 0, 0, 0),
    "Pneumoperitoneum": (0, 0, 0.3, 0, 0, 0),
    "Pneumothorax": (0, 0, 0.7, 0, 0, 0),
    "Subcutaneous Emphysema": (0, 0, 0.8, 0, 0, 0),
    "Support Devices": (0.4, 0.2, 0.4, 0, 0, 0),
    "Tortuous Aorta": (0, 0, 0, 0, 0.8, 0),
}

#: Share of a factor's variance that stays the same through all studies of a patient.
PERSISTENCE = 0.6

#: A study's number of images, 1 to 3, and its probability.
IMAGES_PER_STUDY = (0.62, 0.33, 0.05)

NO_FINDING = CLASSES.index("No Finding")
SUPPORT_DEVICES = CLASSES.index("Support Devices")


@dataclass(frozen=True)
class Population:
    """N images of patients.

    ``images`` has the columns ``set``, ``patient``, ``study`` (numbered from 0 over all sets),
    ``position`` (within the study), ``view`` (PA, AP, LATERAL), ``age`` (years) and ``sex`` (F, M).
    ``findings`` is what the images show and ``reported`` what their labels say, both (N, 26) bool.
    """

    images: pd.DataFrame
    findings: np.ndarray
    reported: np.ndarray


def prevalence() -> np.ndarray:
    """Return the share of studies with each class: ``max(p^0.7 · pmax^0.3, 1 %)``, (26,) float64.

    ``p`` is the prevalence in CXR-LT 2023. Drawn towards the most frequent class, the rare ones
    still have positives in a demo of a few thousand images.
    """
    p = np.array([TRAINING_POSITIVES[name] for name in CLASSES]) / TRAINING_IMAGES
    return np.maximum(p**0.7 * p.max() ** 0.3, 0.01)


def draw_population(sets: Mapping[str, int], rng: np.random.Generator, laterals: bool = True) -> Population:
    """Draw the images of each set, name to number; no patient is in two sets.

    ``laterals``: whether a study may have a lateral view (about 10 % of the images).
    """
    parts = [_draw_set(count, rng, laterals) for count in sets.values()]
    tables, patients, studies = [], 0, 0
    for name, part in zip(sets, parts, strict=True):
        patient, study = part.images["patient"] + patients, part.images["study"] + studies
        patients, studies = patient.iloc[-1] + 1, study.iloc[-1] + 1
        tables.append(part.images.assign(set=name, patient=patient, study=study))
    return Population(
        images=pd.concat(tables, ignore_index=True),
        findings=np.concatenate([part.findings for part in parts]),
        reported=np.concatenate([part.reported for part in parts]),
    )


def _draw_set(count: int, rng: np.random.Generator, laterals: bool) -> Population:
    patient_of_study = np.repeat(np.arange(count), np.minimum(rng.geometric(0.6, count), 5))
    images_per_study = 1 + rng.choice(3, patient_of_study.size, p=IMAGES_PER_STUDY)
    study = np.repeat(np.arange(patient_of_study.size), images_per_study)[:count]
    patient_of_study = patient_of_study[: study[-1] + 1]
    position = np.arange(count) - np.searchsorted(study, study)
    findings = _draw_findings(patient_of_study, rng)
    reported = _misread(findings, rng)
    patient = patient_of_study[study]
    images = pd.DataFrame(
        {
            "patient": patient,
            "study": study,
            "position": position,
            "view": _draw_views(findings, study, position, rng, laterals),
            "age": rng.normal(60, 16, count).round().clip(18, 95).astype(int)[patient],
            "sex": rng.choice(["F", "M"], count)[patient],
        }
    )
    return Population(images, findings[study], reported[study])


def _draw_findings(patient_of_study: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (studies, 26) bool with the prevalence of each class met up to rounding."""
    studies = patient_of_study.size
    lasting = rng.standard_normal((patient_of_study[-1] + 1, len(FACTORS)))[patient_of_study]
    passing = rng.standard_normal((studies, len(FACTORS)))
    factors = np.sqrt(PERSISTENCE) * lasting + np.sqrt(1 - PERSISTENCE) * passing
    loadings = np.array([LOADINGS.get(name, (0,) * len(FACTORS)) for name in CLASSES])
    noise = np.sqrt(1 - (loadings**2).sum(axis=1))
    scores = factors @ loadings.T + noise * rng.standard_normal((studies, len(CLASSES)))
    # The healthiest studies have No Finding, whatever their support devices.
    scores[:, NO_FINDING] = -factors.sum(axis=1) + 2 * rng.standard_normal(studies)

    wanted = np.maximum(np.rint(prevalence() * studies).astype(int), MIN_POSITIVES)
    normal = _highest(scores[:, NO_FINDING], wanted[NO_FINDING])
    findings = np.zeros(scores.shape, dtype=bool)
    for column, count in enumerate(wanted):
        barred = normal if column != SUPPORT_DEVICES else np.zeros_like(normal)
        findings[:, column] = _highest(np.where(barred, -np.inf, scores[:, column]), count)
    findings[:, NO_FINDING] = normal
    return findings


def _highest(scores: np.ndarray, count: int) -> np.ndarray:
    """Mark the ``count`` highest scores; -inf is never marked."""
    marked = np.zeros(scores.size, dtype=bool)
    marked[np.argsort(-scores, kind="stable")[:count]] = True
    return marked & np.isfinite(scores)


def _misread(findings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the findings with label noise: per class as many false as missed positives.

    Equal counts, because equal rates would swamp the rare classes. A study reported as No Finding
    has no other finding reported, Support Devices excepted.
    """
    reported = findings.copy()
    diseases = np.delete(np.arange(len(CLASSES)), [NO_FINDING, SUPPORT_DEVICES])
    for column in [*diseases, SUPPORT_DEVICES, NO_FINDING]:
        barred = np.zeros(len(findings), dtype=bool)
        if column in diseases:
            barred = findings[:, NO_FINDING]
        elif column == NO_FINDING:
            barred = reported[:, diseases].any(axis=1)
        positives = np.flatnonzero(findings[:, column])
        negatives = np.flatnonzero(~findings[:, column] & ~barred)
        count = min(round(LABEL_NOISE * positives.size), negatives.size)
        reported[rng.choice(positives, count, replace=False), column] = False
        reported[rng.choice(negatives, count, replace=False), column] = True
    return reported


def _draw_views(
    findings: np.ndarray, study: np.ndarray, position: np.ndarray, rng: np.random.Generator, laterals: bool
) -> np.ndarray:
    """Patients with devices mostly lie down (AP); a lateral view accompanies a PA."""
    lying = rng.random(len(findings)) < np.where(findings[:, SUPPORT_DEVICES], 0.65, 0.35)
    view = np.where(lying[study], "AP", "PA")
    turned = (position > 0) & ~lying[study] & (rng.random(study.size) < 0.7)
    return np.where(turned & laterals, "LATERAL", view)
