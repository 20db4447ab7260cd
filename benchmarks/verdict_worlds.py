"""Simulated studies in which no design does anything: what a world makes of the noise of trainings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import average_precision, resample_ranks

#: Row of the published Table 1 to its training and whether it has TTA.
ROWS = {
    "1": ("a", False), "2": ("b", False), "3": ("b", True), "4": ("c", True), "5": ("d", True),
    "6": ("e", True), "7": ("f", True), "8": ("g", True), "9": ("h", True),
}  # fmt: skip
PAIRS = ("21", "32", "43", "54", "94", "76", "98", "86", "97")  # row and reference
CONTRASTS = [{row: 1.0, reference: -1.0} for row, reference in PAIRS]
CONTRASTS.append({"9": 1.0, "8": -1.0, "7": -1.0, "6": 1.0})
TRAININGS = "abcdefghij"  # the last two replenished, in ensembles alone
#: Row of Table 2 to what each training counts in it.
ENSEMBLES = {
    "model": np.array([1 / 8] * 8 + [0.0] * 2),
    "class": np.array([0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.04, 0.0, 0.0]),
    "more": np.array([0.15, 0.1, 0.08, 0.06, 0.05, 0.04, 0.04, 0.03, 0.25, 0.2]),
}
STEPS = [{"class": 1.0, "model": -1.0}, {"more": 1.0, "model": -1.0}, {"more": 1.0, "class": -1.0}]
MIMIC = (0.34, 0.26, 0.18, 0.06, 0.016, 0.0095, 0.003, 0.002)  # prevalences, head to tail
IMAGES = 1000  # of a study of average precision, one per patient


@dataclass(frozen=True)
class World:
    """Noise of trainings, which have all the same variance unless it is said."""

    trainings: str = TRAININGS
    variances: Mapping[str, float] = field(default_factory=dict)  # of a training, relative to the others'
    shared: float = 0.0  # share that all trainings of one seed have in common
    weights: float = 0.0  # share that class weights bring along, which are those of one base, seed by seed
    heavy: bool = False  # Student's t with three degrees of freedom
    diverged: str = ""  # a training whose first seed is off by 20 standard deviations


WORLDS = {
    "alike": World(),
    "heavy tails": World(heavy=True),
    "variances 1 : 9": World(variances=dict.fromkeys("bdfhj", 9.0)),
    "one × 9": World(variances={"h": 9.0}),
    "one × 25": World(variances={"h": 25.0}),
    "a seed diverged": World(diverged="h"),
    "weights of one base": World(weights=0.2),
    "shared seeds, 0.3": World(shared=0.3),
    "two variants": World("ab"),
    "three variants": World("abc"),
    "two variants, one × 25": World("ab", {"b": 25.0}),
    "three variants, one × 25": World("abc", {"c": 25.0}),
}


@dataclass(frozen=True)
class Study:
    """A metric of each of T trainings with S seeds, on the patients and on B resamples of them."""

    trainings: str  # their names
    points: np.ndarray  # on development data without TTA and with it, float (2, T, S)
    cells: np.ndarray  # the same on resamples, float (2, T, S, B)
    test: np.ndarray | None = None  # on test data with TTA, float (T, S)
    test_cells: np.ndarray | None = None  # the same on resamples, float (T, S, B)


def gaussian(world: World, seeds: int, ratio: float, resamples: int, generator: np.random.Generator) -> Study:
    """Draw a study in which the means of two trainings over three seeds differ by 1 (SD) through patients.

    ``ratio`` is what they differ by through trainings, in a study whose trainings are as noisy as the average
    of this one.
    """
    number = len(world.trainings)
    noise = ratio * np.sqrt(1.5) * training_noise(world, seeds, generator)
    tta = 0.1 * ratio * np.sqrt(1.5) * generator.normal(size=(2, number, seeds))
    points = noise + tta + patient_noise(generator, number, seeds, 1)[..., 0]
    cells = patient_noise(generator, number, seeds, resamples)
    if world.trainings != TRAININGS:
        return Study(world.trainings, points, cells)
    test = noise + tta[1] + patient_noise(generator, number, seeds, 1)[1, ..., 0]
    return Study(world.trainings, points, cells, test, patient_noise(generator, number, seeds, resamples)[1])


def training_noise(world: World, seeds: int, generator: np.random.Generator) -> np.ndarray:
    """Noise of trainings, float (T, S), with a variance of 1 on average."""
    size = len(world.trainings), seeds
    noise = generator.standard_t(3, size) / np.sqrt(3) if world.heavy else generator.normal(size=size)
    if world.shared:
        noise = np.sqrt(1 - world.shared) * noise + np.sqrt(world.shared) * generator.normal(size=seeds)
    if world.weights:  # a base that did badly by chance has its classes put up
        reweighted = [world.trainings.index(name) for name in world.trainings if name not in "ab"]
        base = noise[world.trainings.index("b")]
        noise[reweighted] = np.sqrt(1 - world.weights) * noise[reweighted] - np.sqrt(world.weights) * base
    variances = np.array([world.variances.get(name, 1.0) for name in world.trainings])
    noise *= np.sqrt(variances / variances.mean())[:, None]
    if world.diverged:  # and is no better or worse for that
        noise[world.trainings.index(world.diverged)] += 20 * (np.arange(seeds) == 0) - 20 / seeds
    return noise


def patient_noise(generator: np.random.Generator, trainings: int, seeds: int, draws: int) -> np.ndarray:
    """Noise of patients, (2, T, S, draws): a part shared by the seeds of a training, and one per seed.

    The second, patient × seed, is three tenths of the variance of the mean of three.
    """
    for_all, for_each = np.sqrt(0.35), np.sqrt(0.15 * 3)

    def draw(first: int) -> np.ndarray:
        shared = generator.standard_normal((first, trainings, 1, draws), np.float32)
        own = generator.standard_normal((first, trainings, seeds, draws), np.float32)
        return np.float64(for_all) * shared + for_each * own

    return draw(1) + 0.1 * draw(2)


def of_rows(values: np.ndarray, trainings: str) -> np.ndarray:
    """Take the rows of some trainings from their values without TTA and with it, (2, T, …)."""
    there = [(name, tta) for name, tta in ROWS.values() if name in trainings]
    return np.stack([values[int(tta), trainings.index(name)] for name, tta in there])


def average_precisions(
    seeds: int, spread: float, draws: int, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a study image by image; every row has the same distribution, so all differences are truly 0.

    The score of an image is 2 for a positive, plus noise of the training, noise of the seed and a little
    noise of TTA. A seed changes the 2, class by class, by ``spread``. Returns the positive patients of each
    class, (C,), AP of eight trainings, (2, T, S, C), and the same on resamples, (2, T, S, B, C).
    """
    generator = np.random.default_rng([number, seeds, int(100 * spread)])
    targets = (generator.random((IMAGES, len(MIMIC))) < MIMIC).astype(np.int8)
    targets[0], targets[1] = 1, 0  # every class is defined
    resamples = resample_patients(np.arange(IMAGES), draws, seed=number)
    size, names = targets.shape, TRAININGS[:8]
    common = generator.normal(size=size)
    ap = np.empty((2, len(names), seeds, size[1]))
    cells = np.full((2, len(names), seeds, draws, size[1]), np.nan)
    for t, name in enumerate(names):
        of_all_seeds = 0.7 * common + 0.5 * generator.normal(size=size)
        for s in range(seeds):
            height = 2 + spread * generator.normal(size=size[1])
            base = targets * height + of_all_seeds + 0.5 * generator.normal(size=size)
            for tta in (0, 1):
                scores = base + 0.1 * generator.normal(size=size)
                ap[tta, t, s] = average_precision(targets, scores)
                if (name, bool(tta)) in ROWS.values():
                    cells[tta, t, s] = resample_ranks(targets, scores, resamples)["AP"]
    return targets.sum(axis=0), ap, cells
