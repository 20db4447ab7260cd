"""Validity of the standard error of an ensemble, including the choice of members on development patients.

Fixed models are simulated, and for them many studies with new development and test patients. The standard
deviation of a difference of two ensembles over the studies is compared with the standard error that a study
estimates: of the test patients alone, with the choice as one test set shows it, and as reported, without
choice × patient.

Usage: python -m benchmarks.selection [--help]
"""

import argparse
from collections.abc import Iterator

import numpy as np

from benchmarks.machine import describe_machine
from cxrlt_core.designs.ensemble import Ensemble, ensemble
from cxrlt_core.evidence.estimator import Estimate, Sampled, estimate
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.evidence.scoring import mean_ap
from cxrlt_core.evidence.selection import CHOICES, CROSSED, Models, repeat_choice
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import CPU, average_precision, resample_ranks
from cxrlt_core.reporting.markdown import markdown_table

PREVALENCES = np.array([0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.015, 0.01])
SHARED = 0.8  # of a model's noise on an image, correlation with the other models
METHODS = ("model_wise", "class_wise", "bagged", "shrunk")
PAIRS = [(method, "model_wise") for method in METHODS[1:]] + [("bagged", "class_wise")]
Z = 1.96


def main() -> None:
    """Print a markdown table, a row for each spread of the models and each pair of ensembles."""
    options = parse()
    print(f"{describe_machine('torch')}\n")
    header = ["models differ by", "difference", "SD over studies", "error, test patients alone"]
    header += [
        "with the choice on one test set",
        "as reported",
        "coverage, test patients alone",
        "as reported",
    ]
    print(markdown_table(header, [row for spread in options.spreads for row in rows(options, spread)]))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--spreads", type=float, nargs="+", default=[0.0, 0.1, 0.3])
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--studies", type=int, default=25, help="in each world")
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--dev", type=int, default=1000, help="images, one per patient")
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=300)
    return parser.parse_args()


def rows(options: argparse.Namespace, spread: float) -> Iterator[list[str]]:
    """Yield a row of the table for each pair of ensembles."""
    studies = [
        [simulate(options, skill, np.random.default_rng([seed, number])) for number in range(options.studies)]
        for seed, skill in enumerate(worlds(options, spread))
    ]
    for pair in PAIRS:
        differences = [[study[pair] for study in world] for world in studies]
        points = np.array([[reported.point for reported, _, _ in world] for world in differences])
        std_errors = np.array([[[e.std_error for e in row] for row in world] for world in differences])
        distance = np.abs(points - points.mean(axis=1, keepdims=True)) / np.sqrt(1 - 1 / options.studies)
        reported, patients, one_set = np.sqrt((std_errors**2).mean(axis=(0, 1)))
        std = np.sqrt(points.var(axis=1, ddof=1).mean())
        coverage = [(distance <= Z * std_errors[:, :, column]).mean() for column in (1, 0)]
        yield [
            f"{spread:g}", " - ".join(pair).replace("_", "-"), f"{std:.4f}", f"{patients:.4f}",
            f"{one_set:.4f}", f"{reported:.4f}", f"{coverage[0]:.3f}", f"{coverage[1]:.3f}",
        ]  # fmt: skip


def worlds(options: argparse.Namespace, spread: float) -> Iterator[np.ndarray]:
    """Yield by how much each model raises the scores of the positives of each class, (M, C)."""
    for seed in range(options.worlds):
        generator = np.random.default_rng([99, seed])
        yield 1.5 + spread * generator.normal(size=(options.models, len(PREVALENCES)))


def draw_scores(
    images: int, skill: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Make targets (N, C) and the scores of all models (M, N, C)."""
    targets = (generator.random((images, len(PREVALENCES))) < PREVALENCES).astype(np.int8)
    shared = np.sqrt(SHARED) * generator.normal(size=targets.shape)
    individual = np.sqrt(1 - SHARED) * generator.normal(size=(len(skill), *targets.shape))
    return targets, (skill[:, None] * targets + shared + individual).astype(np.float32)


def simulate(
    options: argparse.Namespace, skill: np.ndarray, generator: np.random.Generator
) -> dict[tuple[str, str], tuple[Estimate, Estimate, Estimate]]:
    """Return each difference with its error as reported, of test patients alone, and of one test set."""
    dev, test = (draw_scores(images, skill, generator) for images in (options.dev, options.test))
    resamples, dev_resamples = (
        resample_patients(np.arange(images), options.resamples, seed=int(generator.integers(2**31)))
        for images in (options.test, options.dev)
    )
    settings = Ensemble(members=None, top_k=3, prior_positives=20)
    choice = Choice.of(*dev, dev_resamples, settings, CPU)
    scores: dict[str, Sampled] = {}
    for method in METHODS:
        combined = ensemble(test[1], choice.weights(method))
        repeated = repeat_choice(
            Models(*dev, dev_resamples.first(CHOICES)),
            Models(*test, resamples.first(CROSSED)),
            choice.repeated_weights(method, CHOICES),
            CPU,
        )
        resampled = resample_ranks(test[0], combined, resamples)["AP"]
        scores[method] = mean_ap([average_precision(test[0], combined)], [resampled], [repeated.test["AP"]])
    return {(a, b): estimates(scores[a] + -1.0 * scores[b]) for a, b in PAIRS}


def estimates(difference: Sampled) -> tuple[Estimate, Estimate, Estimate]:
    """Return a difference with its error as reported, of test patients alone, and of one test set."""
    patients = estimate(Sampled(difference.points, difference.deviations, difference.bias), None)
    reported = estimate(difference, None)
    std_error = np.sqrt(patients.std_error**2 + difference.choices[0, :, 0].var(ddof=1))
    return reported, patients, Estimate(reported.point, float(std_error), np.inf, 1)


if __name__ == "__main__":
    main()
