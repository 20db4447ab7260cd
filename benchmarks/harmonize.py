"""Time to read label files into the common label space, by their number of rows.

Usage: python -m benchmarks.harmonize [source=file …]    further files, for example the real ones
"""

import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.machine import describe_machine, peak_memory
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.label_space import read_label_space
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.sources import Options, read_source

ROWS = (10_000, 100_000, 400_000)
REPEATS = 3


def main() -> None:
    """Print a markdown table."""
    jobs = []
    with tempfile.TemporaryDirectory() as folder:
        for source, write in WRITERS.items():
            for rows in ROWS:
                path = Path(folder) / f"{source}-{rows}.csv"
                write(path, rows, np.random.default_rng(0))
                jobs.append((source, path, "made"))
        jobs += [(source, Path(path), "given") for source, path in (a.split("=", 1) for a in sys.argv[1:])]
        # A process per file, so that peak memory is that of one file.
        with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            table = pool.starmap(measure, jobs, chunksize=1)
    print(describe_machine())
    header = ["source", "file", "label rows", "seconds", "rows/s", "peak memory"]
    print("\n" + markdown_table(header, table), end="")


def measure(source: str, path: Path, kind: str) -> list[str]:
    """Return a row of the table: the median of some repeats after a warm-up."""
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        harmonized = read_source(source, path, Options(read_label_space("cxrlt2023")))
        seconds.append(time.perf_counter() - start)
    rows, median = len(harmonized.table) + sum(harmonized.dropped.values()), float(np.median(seconds[1:]))
    return [source, kind, f"{rows:,}", f"{median:.2f}", f"{rows / median:,.0f}", f"{peak_memory():,} MiB"]


def write_mimic(path: Path, rows: int, rng: np.random.Generator) -> None:
    """Write a train.csv of CXR-LT 2023."""
    patient = 10_000_000 + np.arange(rows) // 4
    study = 50_000_000 + np.arange(rows) // 2
    parts = [
        f"files/p{p // 1_000_000}/p{p}/s{s}/{i:036d}.jpg"
        for i, (p, s) in enumerate(zip(patient, study, strict=True))
    ]
    table = pd.DataFrame({"dicom_id": np.arange(rows), "subject_id": patient, "study_id": study})
    table["ViewPosition"] = rng.choice(["PA", "AP", "LATERAL", "LL", ""], rows)
    table["ViewCodeSequence_CodeMeaning"] = "postero-anterior"
    table["fpath"] = parts
    labels = pd.DataFrame((rng.random((rows, len(CLASSES))) < 0.1).astype(int), columns=list(CLASSES))
    pd.concat([table, labels], axis=1).to_csv(path, index=False)


def write_nih(path: Path, rows: int, rng: np.random.Generator) -> None:
    """Write a Data_Entry_2017_v2020.csv."""
    names = np.array(read_label_space("nih14").groups["findings"])
    findings = ["|".join(rng.choice(names, size, replace=False)) for size in rng.integers(1, 4, rows)]
    header = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    header += "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n"
    lines = (
        f"{i:08d}_000.png,{f},0,{i // 4},57,M,PA,2682,2749,0.143,0.143\n" for i, f in enumerate(findings)
    )
    path.write_text(header + "".join(lines))


def write_chexpert(path: Path, rows: int, rng: np.random.Generator) -> None:
    """Write a train.csv of CheXpert."""
    known = read_label_space("chexpert14").classes
    paths = [f"CheXpert-v1.0/train/patient{i // 4:06d}/study{i % 4}/view1_frontal.jpg" for i in range(rows)]
    table = pd.DataFrame(
        {"Path": paths, "Sex": "Male", "Age": 60, "Frontal/Lateral": "Frontal", "AP/PA": "AP"}
    )
    labels = rng.choice(np.array(["", "1.0", "0.0", "-1.0"]), (rows, len(known)))
    pd.concat([table, pd.DataFrame(labels, columns=list(known))], axis=1).to_csv(path, index=False)


WRITERS: dict[str, Callable[[Path, int, np.random.Generator], None]] = {
    "mimic": write_mimic,
    "nih": write_nih,
    "chexpert": write_chexpert,
}


if __name__ == "__main__":
    main()
