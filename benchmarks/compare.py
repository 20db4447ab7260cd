"""``cxrlt compare`` from files to verdicts: time and memory, beside scikit-learn resample by resample.

Usage: python -m benchmarks.compare [options]   (--help lists them)
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from benchmarks.machine import describe_machine
from cxrlt_core.reporting.markdown import markdown_table

RESAMPLES = 1000  # of the command


def write_files(folder: Path, images: int, classes: int, systems: int, seeds: int) -> np.ndarray:
    """Write labels of two images a patient, and predictions as CSV; return the labels, (N, C)."""
    generator = np.random.default_rng(0)
    names = [f"class {c}" for c in range(classes)]
    targets = (generator.random((images, classes)) < np.geomspace(0.3, 0.002, classes)).astype(int)
    image = pd.Series([f"{n:07d}.png" for n in range(images)], name="image")
    labels = pd.DataFrame(targets, columns=names)
    labels.insert(0, "image", image)
    labels.insert(1, "patient", [f"p{n // 2}" for n in range(images)])
    labels.to_csv(folder / "labels.csv", index=False)
    for system in range(systems):
        (folder / str(system)).mkdir()
        for seed in range(seeds):
            logits = generator.normal(size=targets.shape) + 1.5 * targets - 3
            table = pd.DataFrame(1 / (1 + np.exp(-logits)), columns=names)
            table.insert(0, "image", image)
            table.to_csv(folder / str(system) / f"{seed}.csv", index=False, float_format="%.7g")
    return targets


def rival(folder: Path, targets: np.ndarray, files: int) -> float:
    """Seconds that scikit-learn takes for all resamples of all files, from one resample of one."""
    scores = pd.read_csv(folder / "0/0.csv").to_numpy()[:, 1:].astype(float)
    rows = np.random.default_rng(0).integers(len(targets), size=len(targets))
    start = time.perf_counter()
    for c in range(targets.shape[1]):
        average_precision_score(targets[rows, c], scores[rows, c])
    return (time.perf_counter() - start) * RESAMPLES * files


def main() -> None:
    """Make the files, time the command and the rival, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, number in (("images", 100_000), ("classes", 26), ("systems", 2), ("seeds", 3)):
        parser.add_argument(f"--{name}", type=int, default=number)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        targets = write_files(folder, options.images, options.classes, options.systems, options.seeds)
        words = [sys.executable, "-m", "cxrlt", "compare", "--labels", f"{folder}/labels.csv"]
        for system in range(options.systems):
            words += ["--system", str(system), f"{folder}/{system}/*.csv"]
        start = time.perf_counter()
        subprocess.run([*words, "--out", f"{folder}/judged"], check=True)
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        other = rival(folder, targets, options.systems * options.seeds)
    print(f"{describe_machine('scikit-learn')}  ")
    print(f"{options.images:,} images × {options.classes} × {options.systems} × {options.seeds}\n")
    cpu = used.ru_utime + used.ru_stime
    rows = [
        [
            "cxrlt compare",
            f"{seconds:.1f}",
            f"{cpu:.1f}",
            f"{used.ru_maxrss // 1024}",
        ],
        [f"scikit-learn, one resample of a file × {RESAMPLES} × files", f"{other:.0f}", f"{other:.0f}", ""],
    ]
    print(markdown_table(["", "seconds", "of CPU", "peak memory, MiB"], rows))


if __name__ == "__main__":
    main()
