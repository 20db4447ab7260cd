"""Time of the patient bootstrap of one row of a table, against a loop over scikit-learn.

In one run and in turns, on synthetic labels with the prevalences of CXR-LT:

    ranks         resample_ranks: AP and AUROC of every class
    all           resample: these, micro AP, F1, log loss, ECE, Brier score
    scikit-learn  AP and AUROC, class by class and resample by resample, images weighted; a few resamples
                  are timed, the rest is extrapolated

Usage: python -m benchmarks.bootstrap [--help]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.machine import describe_machine, peak_memory
from cxrlt_core.labels import TRAINING_IMAGES, TRAINING_POSITIVES
from cxrlt_core.metrics.bootstrap import PatientResamples, resample_patients
from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.metrics.scores import CPU, resample, resample_ranks
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.system.device import describe_device

PREVALENCES = np.array(list(TRAINING_POSITIVES.values())) / TRAINING_IMAGES
ROWS = 13  # of the tables


def main() -> None:
    """Print a markdown table and how far the two methods agree."""
    options = parse()
    torch.set_num_threads(options.threads)
    print(f"{describe_machine('torch', 'scikit-learn')}; {describe_device(CPU)}\n")
    classes, loop = len(PREVALENCES), options.loop
    print(
        f"{options.images:,} images, 3 a patient, {classes} classes, {options.resamples:,} resamples; "
        f"turns: {options.rows}.\nThe loop is timed on {loop} resamples a turn and extrapolated, "
        f"as is the time of {ROWS} rows. Memory is that of the process.\n"
    )
    print(markdown_table(*measure(options)))
    ap, auroc = disagreement()
    print(f"Largest difference on 600 images with ties and unknown labels: AP {ap:.0e}, AUROC {auroc:.0e}.")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=75_000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=1, help="rows that are really run, one a turn")
    parser.add_argument("--loop", type=int, default=3, help="resamples of the loop over scikit-learn, a turn")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def measure(options: argparse.Namespace) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table: the median of the turns."""
    generator = np.random.default_rng(0)
    resamples = resample_patients(np.arange(options.images) // 3, options.resamples, seed=0)
    calibration = Calibration(np.full(len(PREVALENCES), 0.5), 1.5)
    methods: dict[str, tuple[Callable, float]] = {
        "ranks": (lambda t, s: resample_ranks(t, s, resamples), 1),
        "all": (lambda t, s: resample(t, s, calibration, resamples), 1),
        "scikit-learn": (
            lambda t, s: loop_over(t, s, resamples.first(options.loop)),
            options.resamples / options.loop,
        ),
    }
    seconds, memory = {name: [] for name in methods}, dict.fromkeys(methods, 0)
    for _ in range(options.rows):
        targets, scores = make_labels(options.images, generator)
        for name, (method, factor) in methods.items():
            Path("/proc/self/clear_refs").write_text("5")  # resets the peak memory
            start = time.perf_counter()
            method(targets, scores)
            seconds[name].append((time.perf_counter() - start) * factor)
            memory[name] = max(memory[name], peak_memory())
    median = {name: float(np.median(times)) for name, times in seconds.items()}
    header = ["way", "seconds, one row", f"seconds, {ROWS} rows", "× faster than the loop", "peak memory"]
    rows = [
        [name, f"{s:,.1f}", f"{ROWS * s:,.0f}", f"{median['scikit-learn'] / s:,.0f}", f"{memory[name]:,} MiB"]
        for name, s in median.items()
    ]
    return header, rows


def make_labels(images: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels int8 and probabilities float32, (N, C): positives lie two deviations higher before a sigmoid."""
    targets = (generator.random((images, len(PREVALENCES))) < PREVALENCES).astype(np.int8)
    logits = generator.normal(size=targets.shape) + 2 * targets - 1
    return targets, (1 / (1 + np.exp(-logits))).astype(np.float32)


def loop_over(targets: np.ndarray, scores: np.ndarray, resamples: PatientResamples) -> np.ndarray:
    """AP and AUROC of resamples, (2, B, C); NaN without positives or without negatives."""
    out = np.full((2, len(resamples), targets.shape[1]), np.nan)
    for b in range(len(resamples)):
        weights = resamples.counts[resamples.patient, b].astype(np.float64)
        for c, (target, score) in enumerate(zip(targets.T, scores.T, strict=True)):
            used = (target >= 0) & (weights > 0)
            if len(np.unique(target[used])) == 2:
                row, weight = (target[used], score[used]), weights[used]
                out[0, b, c] = average_precision_score(*row, sample_weight=weight)
                out[1, b, c] = roc_auc_score(*row, sample_weight=weight)
    return out


def disagreement() -> tuple[float, float]:
    """Largest difference of AP and of AUROC from the loop on a small set with ties and unknown labels."""
    generator = np.random.default_rng(1)
    targets, scores = make_labels(600, generator)
    targets[generator.random(targets.shape) < 0.2] = -1
    scores, resamples = np.round(scores, 2), resample_patients(np.arange(600) // 3, 20, seed=0)
    actual = resample_ranks(targets, scores, resamples)
    expected = loop_over(targets, scores, resamples)
    both = np.stack([actual["AP"], actual["AUROC"]])
    np.testing.assert_array_equal(np.isnan(both), np.isnan(expected))
    ap, auroc = np.nanmax(np.abs(both - expected), axis=(1, 2))
    return float(ap), float(auroc)


if __name__ == "__main__":
    main()
