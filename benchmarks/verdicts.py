"""Family-wise error rate of verdicts and coverage of intervals, in simulated studies without any effect.

Each study has the nine rows of the published Table 1 (eight trainings, one of them with TTA and without)
and its ten contrasts, all of them truly 0. Three kinds of studies:

    gaussian   patients, training seeds and patient × seed add normal noise; thousands of studies, in WORLDS:
               trainings of one noise or not, a seed that diverged, two or three trainings in all
    ap         average precision of scores that are drawn image by image, for long-tailed labels, the
               patients resampled by the real code; hundreds of studies
    ensembles  one difference of two ensembles of the same ten members, normal noise as above; the members
               matter alike, or one of them makes up 0.9 of the variance

"Old", the former method, resamples seeds and patients together and widens the percentiles by t / z. "New"
is cxrlt_core.evidence. FWER is the share of studies with any false verdict, nominally 0.05; a verdict needs
p (Holm) of at most 0.05.

Usage: python -m benchmarks.verdicts [gaussian] [ensembles] [ap] [--help]
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from scipy.special import ndtri, stdtrit

from benchmarks.machine import describe_machine
from cxrlt_core.evidence.estimator import Sampled, SeedVariance, estimate
from cxrlt_core.evidence.family import holm
from cxrlt_core.evidence.seed_variance import PooledSeedVariance, RecombinedSeedVariance, orthogonal_array
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import average_precision, resample_ranks
from cxrlt_core.reporting.markdown import markdown_table

LEVEL = 0.95
KINDS = ["gaussian", "ensembles", "ap"]
#: Row of the published Table 1 to its training and whether it has TTA.
ROWS = {
    "1": ("a", False), "2": ("b", False), "3": ("b", True), "4": ("c", True), "5": ("d", True),
    "6": ("e", True), "7": ("f", True), "8": ("g", True), "9": ("h", True),
}  # fmt: skip
TRAININGS = "abcdefgh"
PAIRS = ("21", "32", "43", "54", "94", "76", "98", "86", "97")  # row and reference
CONTRASTS = [{row: 1.0, reference: -1.0} for row, reference in PAIRS]
CONTRASTS.append({"9": 1.0, "8": -1.0, "7": -1.0, "6": 1.0})
#: World to the trainings there are, the variance of each relative to the others', and what a seed of the last
#: one is off by, in standard deviations of a training.
WORLDS: dict[str, tuple[str, tuple[float, ...], float]] = {
    "alike": (TRAININGS, (1.0,), 0.0),
    "variances 1 : 9": (TRAININGS, (1.0, 9.0), 0.0),
    "one × 9": (TRAININGS, (9.0, *(1.0,) * 7), 0.0),
    "one × 25": (TRAININGS, (25.0, *(1.0,) * 7), 0.0),
    "a seed diverged": (TRAININGS, (1.0,), 20.0),
    "two trainings": ("ab", (1.0,), 0.0),
    "three trainings": ("abc", (1.0,), 0.0),
    "two trainings, one × 25": ("ab", (25.0, 1.0), 0.0),
    "three trainings, one × 25": ("abc", (25.0, 1.0, 1.0), 0.0),
}
PLAIN = [number for number, pair in enumerate(PAIRS) if pair != "32"]  # contrasts of two trainings
MIMIC = (0.34, 0.26, 0.18, 0.06, 0.016, 0.0095, 0.003, 0.002)  # prevalences, head to tail
#: Classes of a line: the first, the end, and the positive patients that a class needs to count.
GROUPS = {"head": (0, 3, 5), "all classes": (0, 8, 5), "tail": (5, 8, 5), "all, none left out": (0, 8, 1)}


@dataclass(frozen=True)
class Simulated:
    """Metric of each training with each seed, on the patients and on resamples.

    Attributes:
        points: float (2, T, S), without TTA and with it.
        samples: of the rows of these trainings, float (R, S, B).
        trainings: their T names.
    """

    points: np.ndarray
    samples: np.ndarray
    trainings: str = TRAININGS

    def row_points(self) -> np.ndarray:
        """Metric of the rows, (R, S)."""
        return of_rows(self.points, self.trainings)

    @property
    def contrasts(self) -> list[dict[str, float]]:
        """Those of trainings that there are."""
        return [c for c in CONTRASTS if all(ROWS[row][0] in self.trainings for row in c)]


@dataclass(frozen=True)
class Verdicts:
    """Results of both estimators for the k contrasts of a study.

    Attributes:
        false: any verdict, old and new; bool (2,).
        holds: the interval of a contrast covers 0; bool (2, k).
        half: half-width of the intervals; float (2, k).
    """

    false: np.ndarray
    holds: np.ndarray
    half: np.ndarray


def main() -> None:
    """Print a markdown table for each kind of studies."""
    options = parse()
    torch.set_num_threads(1)
    print(f"{describe_machine('scipy', 'torch')}; one thread\n")
    for kind in KINDS if "all" in options.kinds else options.kinds:
        start = time.perf_counter()
        rows = [row for case in cases(kind, options) for row in case]
        print(f"### {kind}\n\n{markdown_table(HEADER, rows)}", flush=True)
        print(f"{time.perf_counter() - start:,.0f} s.\n")


HEADER = ["seeds", "seed noise / patient noise", "what", "studies", "FWER, old", "new", "coverage, old"]
HEADER += ["new", "lowest of a contrast, new", "half-width, old", "new"]


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, "all"], default="all")
    parser.add_argument("--studies", type=int, default=2000, help="gaussian studies of a case")
    parser.add_argument("--ap-studies", type=int, default=300)
    parser.add_argument("--images", type=int, default=1000, help="of an ap study, one per patient")
    parser.add_argument("--resamples", type=int, default=1000)
    return parser.parse_args()


def cases(kind: str, options: argparse.Namespace) -> Iterator[list[list[str]]]:
    """Yield the lines of each case of a kind."""
    if kind == "ap":
        yield from ap_cases(options)
        return
    if kind == "ensembles":
        for seeds, ratio, share in [*product((3, 5), (0, 1, 2), (0.1,)), (3, 2, 0.9), (5, 2, 0.9)]:
            verdicts = [ensembles(seeds, ratio, share, options, n) for n in range(options.studies)]
            yield [table_row(seeds, f"{ratio:g}", "alike" if share == 0.1 else "one member", verdicts)]
        return
    settings = [(seeds, ratio, "alike") for seeds in (2, 3, 5) for ratio in (0, 0.5, 1, 2)]
    others = [(seeds, 2, world) for world in WORLDS for seeds in (3, 5) if world != "alike"]
    for seeds, ratio, world in [*settings, *others]:
        verdicts = [estimate_both(gaussian(seeds, ratio, world, options, n)) for n in range(options.studies)]
        yield [table_row(seeds, f"{ratio:g}", world, verdicts)]


def ap_cases(options: argparse.Namespace) -> Iterator[list[list[str]]]:
    """Yield the lines of each case of average precision: several groups of classes from the same studies."""
    for seeds, spread in ((3, 0), (3, 0.2), (5, 0.2)):
        verdicts: dict[str, list[Verdicts]] = {name: [] for name in GROUPS}
        parts: dict[str, list[tuple[float, float]]] = {name: [] for name in GROUPS}
        for number in range(options.ap_studies):
            positives, ap, samples = average_precisions(seeds, spread, options, number)
            for name, (first, last, least) in GROUPS.items():
                chosen = np.flatnonzero(positives[first:last] >= least) + first
                if len(chosen):
                    study = Simulated(ap[..., chosen].mean(axis=-1), centred_mean(samples[..., chosen]))
                    verdicts[name].append(estimate_both(study))
                    parts[name].append(components(study))
        rows = []
        for name in GROUPS:
            trained, patients = np.mean(parts[name], axis=0)
            ratio = f"{np.sqrt(max(trained, 0) / patients):.2f}"
            rows.append(table_row(seeds, ratio, name, verdicts[name]))
        yield rows


def gaussian(seeds: int, ratio: float, world: str, options: argparse.Namespace, number: int) -> Simulated:
    """Draw a study with normal noise, in which a pair of trainings differs by 1 through patients.

    Args:
        seeds: S.
        ratio: standard deviation of the mean of S due to seeds, relative to that due to patients, in a study
            whose trainings are as noisy as the average of this one.
        world: of :data:`WORLDS`.
        options: number of resamples.
        number: of the study.
    """
    names, variances, off = WORLDS[world]
    generator = np.random.default_rng([number, seeds, int(10 * ratio), [*WORLDS].index(world)])
    relative = np.resize(variances, len(names))[:, None]
    training = generator.normal(size=(1, len(names), seeds))  # TTA changes it little
    training[:, -1, 0] += off
    trained = training + 0.1 * generator.normal(size=(2, len(names), seeds))
    points = trained * ratio * np.sqrt(seeds / 2 * relative / relative.mean())
    points += patient_noise(generator, (2, len(names)), seeds, 1)[..., 0]
    points[:, -1] -= points[:, -1].mean() if off else 0.0  # it is no better or worse for that
    cells = patient_noise(generator, (2, len(names)), seeds, options.resamples)
    return Simulated(points, of_rows(cells, names), names)


def of_rows(values: np.ndarray, trainings: str) -> np.ndarray:
    """Take the rows of some trainings from their values without TTA and with it, (2, T, …)."""
    there = [(name, tta) for name, tta in ROWS.values() if name in trainings]
    return np.stack([values[int(tta), trainings.index(name)] for name, tta in there])


def patient_noise(generator: np.random.Generator, shape: tuple, seeds: int, draws: int) -> np.ndarray:
    """Noise of the patients, (2, T, S, draws): a part shared by the seeds of a training, and one per seed.

    The second, patient × seed, is three tenths of the variance of the mean of S.
    """
    for_all, for_each = np.sqrt(0.35), np.sqrt(0.15 * seeds)

    def draw(first: int) -> np.ndarray:
        shared = generator.normal(size=(first, shape[1], 1, draws))
        return for_all * shared + for_each * generator.normal(size=(first, shape[1], seeds, draws))

    return draw(1) + 0.1 * draw(2)


def ensembles(seeds: int, ratio: float, share: float, options: argparse.Namespace, number: int) -> Verdicts:
    """Draw a difference of two ensembles, with noise of ten members, and apply both estimators.

    Args:
        seeds: S.
        ratio: standard deviation of the mean of S due to seeds, relative to that due to patients.
        share: of the variance that the first member has.
        options: number of resamples.
        number: of the study.
    """
    generator = np.random.default_rng([number, seeds, int(10 * ratio), int(10 * share)])
    shares = np.array([share] + [(1 - share) / 9] * 9)
    effects = generator.normal(size=(10, seeds)) * ratio * np.sqrt(seeds * shares)[:, None]
    patients = generator.normal()
    points = effects.sum(axis=0) + patients
    samples = np.tile(generator.normal(size=options.resamples), (seeds, 1))
    array = orthogonal_array(10, seeds)
    runs = {"both": {"mAP": effects[np.arange(10), array].sum(axis=1) + patients}}
    noise = RecombinedSeedVariance(array, runs).of({"both": 1.0}, "mAP", points)
    before, after = old(points, samples, number), new(points, samples, noise)
    lows, highs, p_values = np.array([before, after]).T[:, :, None]
    return Verdicts(p_values[:, 0] <= 1 - LEVEL, (lows <= 0) & (highs >= 0), (highs - lows) / 2)


def average_precisions(
    seeds: int, spread: float, options: argparse.Namespace, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a study image by image; every row has the same distribution, so all differences are truly 0.

    The score of an image is 2 for a positive, plus noise of the training, noise of the seed and a little
    noise of TTA. A seed changes the 2, class by class.

    Returns:
        Positive patients of each class, (C,), AP of all trainings, (2, T, S, C), and AP of the nine rows on
        resamples, (9, S, B, C).
    """
    generator = np.random.default_rng([number, seeds, int(100 * spread)])
    targets = (generator.random((options.images, len(MIMIC))) < MIMIC).astype(np.int8)
    targets[0], targets[1] = 1, 0  # every class is defined
    resamples = resample_patients(np.arange(options.images), options.resamples, seed=number)
    size = targets.shape
    common, scores = generator.normal(size=size), {}
    for training in TRAININGS:
        of_all_seeds = 0.7 * common + 0.5 * generator.normal(size=size)
        for seed in range(seeds):
            height = 2 + spread * generator.normal(size=size[1])
            base = targets * height + of_all_seeds + 0.5 * generator.normal(size=size)
            for tta in (False, True):
                scores[training, tta, seed] = base + 0.1 * generator.normal(size=size)
    every = range(seeds)
    ap = [[[average_precision(targets, scores[name, tta, s]) for s in every] for name in TRAININGS]
          for tta in (False, True)]  # fmt: skip
    samples = [[resample_ranks(targets, scores[name, tta, s], resamples)["AP"] for s in every]
               for name, tta in ROWS.values()]  # fmt: skip
    return targets.sum(axis=0), np.array(ap), np.array(samples)


def centred_mean(samples: np.ndarray) -> np.ndarray:
    """Mean over classes (the last axis) of deviations from each class's mean; 0 where undefined."""
    mean = np.nanmean(samples, axis=2, keepdims=True)
    return np.nan_to_num(samples - mean).mean(axis=-1)


def components(study: Simulated) -> tuple[float, float]:
    """Variance that seeds and patients give the mean of S of a contrast of two trainings, on average."""
    rows, trained, patients = study.row_points(), [], []
    for number in PLAIN:
        points, samples = (contrast_of(values, CONTRASTS[number]) for values in (rows, study.samples))
        shared, within = samples.mean(axis=0).var(ddof=1), samples.var(axis=1, ddof=1).mean()
        interaction = (within - shared) * len(points) / (len(points) - 1)
        trained.append((points.var(ddof=1) - interaction) / len(points))
        patients.append(shared)
    return float(np.mean(trained)), float(np.mean(patients))


def contrast_of(values: np.ndarray, weights: Mapping[str, float]) -> np.ndarray:
    """Contrast of rows, the first axis of the values; rows that are absent are the last ones."""
    return sum(weight * values[int(row) - 1] for row, weight in weights.items())


def estimate_both(study: Simulated) -> Verdicts:
    """Apply both estimators to the contrasts of a study."""
    rows, metric = study.row_points(), "mAP"
    noise = PooledSeedVariance(ROWS, study.trainings, {metric: study.points})
    lows, highs, p_values = np.empty((3, 2, len(study.contrasts)))
    for number, weights in enumerate(study.contrasts):
        points, samples = contrast_of(rows, weights), contrast_of(study.samples, weights)
        lows[0, number], highs[0, number], p_values[0, number] = old(points, samples, number)
        variance = noise.of(weights, metric, points)
        lows[1, number], highs[1, number], p_values[1, number] = new(points, samples, variance)
    false = np.array([min(holm(p)) <= 1 - LEVEL for p in p_values])
    return Verdicts(false, (lows <= 0) & (highs >= 0), (highs - lows) / 2)


def new(points: np.ndarray, samples: np.ndarray, noise: SeedVariance) -> tuple[float, float, float]:
    """The present method: low, high, p value."""
    around = samples - samples.mean(axis=1, keepdims=True)
    contrast = estimate(Sampled(points, around, np.zeros_like(points)), noise)
    return *contrast.interval(LEVEL), contrast.p_value()


def old(points: np.ndarray, samples: np.ndarray, number: int) -> tuple[float, float, float]:
    """The former method: low, high, p value."""
    seeds, resamples = samples.shape
    chosen = np.random.default_rng([number, seeds]).integers(seeds, size=(resamples, seeds - 1))
    around = samples - samples.mean(axis=1, keepdims=True) + points[:, None]
    drawn = around[chosen, np.arange(resamples)[:, None]].mean(axis=1)
    drawn = drawn - drawn.mean()
    share = np.clip(points.var(ddof=1) / seeds / drawn.var(ddof=1), 1e-9, 1)
    tail = (1 + LEVEL) / 2
    spread = drawn * stdtrit((seeds - 1) / share**2, tail) / ndtri(tail)
    low, high = np.quantile(spread, [1 - tail, tail]) + points.mean()
    beyond = min((spread <= -points.mean()).sum(), (spread >= -points.mean()).sum())
    return low, high, min(1.0, 2 * (1 + int(beyond)) / (resamples + 1))


def table_row(seeds: int, ratio: str, what: str, verdicts: Sequence[Verdicts]) -> list[str]:
    """Return a row of the table."""
    false, holds = (np.mean([getattr(v, key) for v in verdicts], axis=0) for key in ("false", "holds"))
    half = np.mean([v.half for v in verdicts], axis=0)
    half = half[:, PLAIN if half.shape[1] == len(CONTRASTS) else [0]].mean(axis=1)
    cells = [str(seeds), ratio, what, f"{len(verdicts):,}", *(f"{share:.3f}" for share in false)]
    cells += [*(f"{share:.3f}" for share in holds.mean(axis=1)), f"{holds[1].min():.3f}"]
    return [*cells, *(f"{width:.3g}" for width in half)]


if __name__ == "__main__":
    main()
