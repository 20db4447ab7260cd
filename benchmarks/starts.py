"""CPU seconds of every stage for imports and for its end, and their sum over the demo.

Usage: python -m benchmarks.starts [--study FOLDER] [--repeats N]

A smoke study is run through DVC in a temporary clone, or taken from FOLDER; then each stage is imported alone
and run again, in fresh processes. A stage with several items is measured on the first.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.machine import describe_machine
from cxrlt_core.reporting.markdown import markdown_table

ROOT = Path(__file__).parents[1]
PROBE = ROOT / "benchmarks" / "start_probe.py"
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "HF_HUB_OFFLINE": "1",
}
HEAVY = (
    "torch",
    "torch._dynamo",
    "torchvision",
    "timm",
    "transformers",
    "sklearn",
    "scipy.stats",
    "pandas",
    "pyarrow",
    "matplotlib",
)


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml: how many times the demo runs it, and one command of it in the measured study."""

    name: str
    runs: int
    command: list[str]


def main() -> None:
    """Print a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--study", type=Path, help="folder of a study that has run")
    parser.add_argument("--repeats", type=int, default=3, help="processes of each kind; the cheapest counts")
    arguments = parser.parse_args()
    if arguments.study:
        report(arguments.study, arguments.repeats)
        return
    with tempfile.TemporaryDirectory() as folder:
        run_smoke_study(Path(folder))
        report(Path(folder), arguments.repeats)


def run_smoke_study(folder: Path) -> None:
    """Run the smoke study in a clone of the repository, so with the code that is committed."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    shutil.copy(folder / "profiles" / "smoke.yaml", folder / "params.yaml")
    (folder / "dvc.lock").unlink(missing_ok=True)
    subprocess.run(["dvc", "repro", "--quiet"], cwd=folder, env=ENVIRONMENT, check=True)


def report(study: Path, repeats: int) -> None:
    """Measure the stages of a study that has run."""
    rows, totals = [], [0.0, 0.0]
    for stage in read_stages(study):
        imported = measure(study, "import", stage, repeats)
        run = measure(study, "run", stage, repeats)
        heavy = [name for name in HEAVY if name in run["modules"]]
        costs = [stage.runs * run[part] for part in ("start", "end")]
        totals = [total + cost for total, cost in zip(totals, costs, strict=True)]
        seconds = [f"{s:.2f}" for s in (imported["start"], run["start"], run["end"], run["process"])]
        rows.append([stage.name, str(stage.runs), *seconds, *(f"{c:.1f}" for c in costs), ", ".join(heavy)])
    runs = sum(int(row[1]) for row in rows)
    rows.append(["all", str(runs), "", "", "", "", *(f"{total:.1f}" for total in totals), ""])
    print(describe_machine("torch", "torchvision", "timm", "transformers"))
    header = ["stage", "runs", "module", "start", "end", "process", "runs × start", "runs × end"]
    print("\n" + markdown_table([*header, "heavy packages"], rows), end="")


def read_stages(study: Path) -> list[Stage]:
    """Return the stages of dvc.yaml; their number of runs is that of the study at the root."""
    demo, measured = (yaml.safe_load((folder / "params.yaml").read_text()) for folder in (ROOT, study))
    stages = yaml.safe_load((study / "dvc.yaml").read_text())["stages"]
    runnable = []
    for name, stage in stages.items():
        items = [_items(stage, params) for params in (demo, measured)]
        command = re.search(r"-m (.*)", stage.get("do", stage)["cmd"])[1]
        if items[1]:
            filled = re.sub(r"\$\{(item|key)\}", items[1][0], command)
            runnable.append(Stage(name, len(items[0]), filled.split()))
    return runnable


def _items(stage: dict[str, Any], params: dict[str, Any]) -> list[str]:
    """Items of a stage; one empty name if it has none."""
    if "foreach" not in stage:
        return [""]
    value = stage["foreach"]
    if isinstance(value, str):
        value = params
        for key in stage["foreach"].strip("${}").split("."):
            value = value[key]
    return list(value)


def measure(study: Path, mode: str, stage: Stage, repeats: int) -> dict[str, Any]:
    """Return the cheapest of some processes: its ``start``, ``end`` and ``process``, and ``modules``."""
    return min((_once(study, mode, stage) for _ in range(repeats)), key=lambda record: record["start"])


def _once(study: Path, mode: str, stage: Stage) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "start.json"
        process = subprocess.Popen(
            [sys.executable, PROBE, out, mode, *stage.command],
            cwd=study, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        messages = process.stderr.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{' '.join(stage.command)} failed:\n{messages}")
        record, total = json.loads(out.read_text()), used.ru_utime + used.ru_stime
        return {**record, "end": total - record["done"], "process": total}


if __name__ == "__main__":
    main()
