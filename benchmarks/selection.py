"""Whether the error of an ensemble is right, the choice on development patients included.

Worlds of fixed models are made, and in each of them many studies with other development and test patients.
How much a difference of two ensembles varies over them is set against the error that a study gives itself: of
the test patients alone, with the choice as one test set shows it, and as the report has it, which takes off
choice × patient.

Usage: python -m benchmarks.selection [--help]
"""

import argparse
from collections.abc import Iterator

import numpy as np

from benchmarks.machine import describe_machine
from cxrlt_core.designs.ensemble import Choice, ensemble
from cxrlt_core.evidence.estimator import Estimate, Sampled, estimate
from cxrlt_core.evidence.scoring import mean_ap
from cxrlt_core.evidence.selection import CHOICES, CROSSED, Models, repeat_choice
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import CPU, average_precision, resample_ranks
from cxrlt_core.params.schema import Ensemble
from cxrlt_core.reporting.markdown import markdown_table

PREVALENCES = np.array([0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.015, 0.01])
SHARED = 0.8  # of a model's noise on an image, correlation with the other models
METHODS = ("model_wise", "class_wise", "bagged", "shrunk")
PAIRS = [(method, "model_wise") for method in METHODS[1:]] + [("bagged", "class_wise")]
Z = 1.96


def main() -> None:
    """Print a markdown table, a line for each spread of the models and each pair of ensembles."""
    options = parse()
    print(f"{describe_machine('torch')}\n")
    header = ["models differ by", "difference", "SD over studies", "error, test patients alone"]
    header += [
        "with the choice on one test set",
        "as reported",
        "coverage, test patients alone",
        "as reported",
    ]
    print(markdown_table(header, [line for spread in options.spreads for line in lines(options, spread)]))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--spreads", type=float, nargs="+", default=[0.0, 0.1, 0.3])
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--studies", type=int, default=25, help="in each world")
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--dev", type=int, default=1000, help="images, one a patient")
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=300)
    return parser.parse_args()


def lines(options: argparse.Namespace, spread: float) -> Iterator[list[str]]:
    """Yield what each pair of ensembles shows where models differ by a spread."""
    studies = [
        [study(options, skill, np.random.default_rng([seed, number])) for number in range(options.studies)]
        for seed, skill in enumerate(worlds(options, spread))
    ]
    for pair in PAIRS:
        found = [[one[pair] for one in world] for world in studies]
        points = np.array([[now.point for now, _, _ in world] for world in found])
        errors = np.array([[[one.std_error for one in its] for its in world] for world in found])
        off = np.abs(points - points.mean(axis=1, keepdims=True)) / np.sqrt(1 - 1 / options.studies)
        now, alone, raw = np.sqrt((errors**2).mean(axis=(0, 1)))
        deviation = np.sqrt(points.var(axis=1, ddof=1).mean())
        held = [(off <= Z * errors[:, :, which]).mean() for which in (1, 0)]
        yield [
            f"{spread:g}", " - ".join(pair).replace("_", "-"), f"{deviation:.4f}", f"{alone:.4f}",
            f"{raw:.4f}", f"{now:.4f}", f"{held[0]:.3f}", f"{held[1]:.3f}",
        ]  # fmt: skip


def worlds(options: argparse.Namespace, spread: float) -> Iterator[np.ndarray]:
    """Yield how far each model lifts the positives of each class, (M, C)."""
    for seed in range(options.worlds):
        generator = np.random.default_rng([99, seed])
        yield 1.5 + spread * generator.normal(size=(options.models, len(PREVALENCES)))


def made(images: int, skill: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Make targets (N, C) and the scores of all models (M, N, C)."""
    targets = (generator.random((images, len(PREVALENCES))) < PREVALENCES).astype(np.int8)
    noise = np.sqrt(SHARED) * generator.normal(size=targets.shape)
    own = np.sqrt(1 - SHARED) * generator.normal(size=(len(skill), *targets.shape))
    return targets, (skill[:, None] * targets + noise + own).astype(np.float32)


def study(
    options: argparse.Namespace, skill: np.ndarray, generator: np.random.Generator
) -> dict[tuple[str, str], tuple[Estimate, Estimate, Estimate]]:
    """Return each difference with its error as reported, of test patients alone, and of one test set."""
    dev, test = made(options.dev, skill, generator), made(options.test, skill, generator)
    resamples = resample_patients(
        np.arange(options.test), options.resamples, seed=int(generator.integers(2**31))
    )
    of_dev = resample_patients(np.arange(options.dev), options.resamples, seed=int(generator.integers(2**31)))
    settings = Ensemble(members=None, top_k=3, prior_positives=20)
    choice = Choice.of(*dev, of_dev, settings, CPU)
    rows: dict[str, Sampled] = {}
    for method in METHODS:
        combined = ensemble(test[1], choice.weights(method))
        others = repeat_choice(
            Models(*dev, of_dev.first(CHOICES)),
            Models(*test, resamples.first(CROSSED)),
            choice.repeated_weights(method, CHOICES),
            CPU,
        )
        resampled = resample_ranks(test[0], combined, resamples)["AP"]
        rows[method] = mean_ap([average_precision(test[0], combined)], [resampled], [others.test["AP"]])
    return {(one, other): errors(rows[one] + -1.0 * rows[other]) for one, other in PAIRS}


def errors(gap: Sampled) -> tuple[Estimate, Estimate, Estimate]:
    """Return a difference with its error as reported, of test patients alone, and of one test set."""
    now, alone = estimate(gap, None), estimate(Sampled(gap.points, gap.deviations, gap.bias), None)
    raw = np.sqrt(alone.std_error**2 + gap.choices[0, :, 0].var(ddof=1))
    return now, alone, Estimate(now.point, float(raw), np.inf, 1)


if __name__ == "__main__":
    main()
