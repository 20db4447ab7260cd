"""Validity of the intervals of one class: how often they hold the truth, by positives and quality of model.

Studies are drawn of one image a patient; a model scores negatives with N(0, 1) and positives with N(d, 1).
The truth is what it has on as many images as one likes. Normal intervals are those that a difference has;
*given* is the share of studies with a logit one.

Usage: python -m benchmarks.class_intervals [--help]
"""

import argparse

import numpy as np
from scipy.special import ndtr

from benchmarks.machine import describe_machine
from cxrlt_core.evidence.estimator import Estimate
from cxrlt_core.evidence.scored_table import class_interval
from cxrlt_core.metrics.bootstrap import centred, resample_patients
from cxrlt_core.metrics.scores import resample_ranks
from cxrlt_core.reporting.markdown import markdown_table

LEVEL = 0.95


def main() -> None:
    """Print a markdown table, a row for each metric, number of positives and model."""
    options = parse()
    print(f"{describe_machine('torch')}\n")
    header = [
        "metric",
        "positive patients",
        "truth",
        "coverage, normal",
        "outside [0, 1]",
        "given",
        "coverage, logit",
    ]
    rows = [
        row
        for positives in options.positives
        for distance in options.distances
        for row in coverage(options, positives, distance)
    ]
    print(markdown_table(header, sorted(rows, key=lambda row: row[0])))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--positives", type=int, nargs="+", default=[6, 10, 18, 40, 100])
    parser.add_argument("--distances", type=float, nargs="+", default=[1.0, 2.0, 3.0, 4.0, 5.0])
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=300)
    return parser.parse_args()


def coverage(options: argparse.Namespace, positives: int, distance: float) -> list[list[str]]:
    """Return a row for AP and one for AUROC."""
    targets = (np.arange(options.images) < positives).astype(int)[:, None]
    found: dict[str, list[tuple[float, ...]]] = {"AP": [], "AUROC": []}
    for number in range(options.studies):
        generator = np.random.default_rng([number, positives, int(10 * distance)])
        scores = generator.normal(size=targets.shape) + distance * targets
        resamples = resample_patients(np.arange(options.images).astype(str), options.resamples, number)
        values = resample_ranks(targets, scores, resamples.with_original())
        for metric, each in found.items():
            point, samples = values[metric][0, 0], values[metric][1:, 0]
            one = Estimate(float(point), float(centred(samples, axis=0)[1].std(ddof=1)), np.inf, 1)
            each.append((*one.interval(LEVEL), *class_interval(one, positives, LEVEL)))
    truth = {"AP": precision(positives / options.images, distance), "AUROC": ndtr(distance / np.sqrt(2))}
    rows = []
    for metric, each in found.items():
        low, high, logit_low, logit_high = np.array(each).T
        given = np.isfinite(logit_low)
        shares = [(low <= truth[metric]) & (truth[metric] <= high), (low < 0) | (high > 1), given]
        shares += [((logit_low <= truth[metric]) & (truth[metric] <= logit_high))[given]]
        cells = (f"{share.mean():.3f}" if len(share) else "–" for share in shares)
        rows.append([metric, str(positives), f"{truth[metric]:.3f}", *cells])
    return rows


def precision(prevalence: float, distance: float) -> float:
    """Average precision on infinitely many images."""
    scores = np.linspace(-9.0, 9.0 + distance, 20001)
    density = np.exp(-((scores - distance) ** 2) / 2)
    true, false = prevalence * ndtr(distance - scores), (1 - prevalence) * ndtr(-scores)
    return float((density * true / (true + false)).sum() / density.sum())


if __name__ == "__main__":
    main()
