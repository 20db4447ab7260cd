"""What is open about GPUs, answered on one of them: each step is a process with a time limit.

A step that fails is a row of the table, and the next one begins; without the device none does. The table is
written after every step.

Usage: benchmarks/gpu.sh [--help]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.system.errors import cut
from cxrlt_core.system.files import write_text

ROOT = Path(__file__).parents[1]
DEVICE = "device"  # the step that no other one can do without
MARK = "=> "  # begins a line of a step that is an answer: what, a colon, what was found
KILL_AFTER = 5  # seconds that a step has to end in
SLOWER = 2  # a CPU, in time for a step
LEAST = 5  # seconds that are worth beginning a step
TIME_IS_UP = (124, 137)  # exit codes of timeout
DRY = "A dry run on the CPU: these figures say nothing of a GPU.\n\n"
Row = tuple[str, str, str]  # step, what, found


@dataclass(frozen=True)
class Step:
    """A step of :mod:`benchmarks.gpu_steps`, and the most seconds that it may take."""

    name: str
    seconds: int
    question: str


#: What a study depends on comes first; the grid takes the time that is left.
STEPS = (
    Step(DEVICE, 40, "what is there"),
    Step("repeat", 60, "do two runs give the same weights"),
    Step("streamed", 30, "do streamed images give the weights of resident ones"),
    Step("resume", 45, "does a run that was stopped end with the same weights"),
    Step("nccl", 45, "NCCL, with one process"),
    Step("two", 90, "two trainings at once"),
    Step("study", 180, "the smoke study, two stages at once"),
    Step("predict", 45, "cxrlt predict, against the CPU"),
    Step("grid", 600, "images/s of the bare network, resident and streamed"),
)


def main(words: Sequence[str] | None = None) -> int:
    """Run the steps and print the table; exit code 1 if one of them failed."""
    options = parse(words)
    steps = [step for step in STEPS if not options.steps or step.name in options.steps]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="gpu_") as folder:
        command = [sys.executable, "-m", "benchmarks.gpu_steps", folder, *(["--cpu"] if options.cpu else [])]
        patience = SLOWER if options.cpu else 1
        deadline = time.monotonic() + 60 * options.minutes * patience
        for step in steps:
            most = min(step.seconds * patience, deadline - time.monotonic() - KILL_AFTER)
            rows += answers(step, command, int(most))
            if options.out is not None:
                write_text(options.out, page(rows, options.cpu))
            if rows[-1][:2] == (DEVICE, "failed"):
                break
    print(f"\n{page(rows, options.cpu)}", end="")
    return int(any(what == "failed" for _, what, _ in rows))


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    names = [step.name for step in STEPS]
    steps = "\n".join(f"  {step.name:9} {step.question}" for step in STEPS)
    parser = argparse.ArgumentParser(
        prog="benchmarks/gpu.sh", description=f"{__doc__}\nSteps:\n{steps}",
        formatter_class=argparse.RawTextHelpFormatter,
    )  # fmt: skip
    parser.add_argument("steps", nargs="*", metavar="step", help="default: all of them")
    parser.add_argument("--cpu", action="store_true", help="a dry run, everything scaled down")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there, too")
    parser.add_argument("--minutes", type=float, default=10, help="for all steps together (default: 10)")
    options = parser.parse_args(words)
    for name in options.steps:
        if name not in names:
            parser.error(f"no step {name!r}, expected some of {', '.join(names)}")
    return options


def answers(step: Step, command: Sequence[str], seconds: int) -> Iterator[Row]:
    """Run a step, with its output; yield what it found, and at last its time or why it failed.

    ``command`` runs the step whose name follows it, for so many ``seconds`` at most.
    """
    if seconds < LEAST:
        yield step.name, "failed", "not begun, the time for all steps is up"
        return
    print(f"== {step.name}: {step.question}; at most {seconds} s", flush=True)
    start, last = time.monotonic(), ""
    limit = ["timeout", f"--kill-after={KILL_AFTER}", str(seconds)]
    with subprocess.Popen(
        [*limit, *command, step.name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            for line in process.stdout:
                print(f"[{step.name}] {line.rstrip()}", flush=True)
                last = line.strip() or last
                if line.startswith(MARK):
                    yield step.name, *line.removeprefix(MARK).strip().split(": ", 1)
        finally:
            process.terminate()  # after Ctrl-C; else it has ended
    yield step.name, *ending(process.returncode, time.monotonic() - start, last)


def ending(code: int, seconds: float, last: str) -> tuple[str, str]:
    """Return how a step ended: its time, or after which words it failed."""
    if code == 0:
        return "time", f"{seconds:.0f} s"
    why = "the time of this step was up" if code in TIME_IS_UP else f"exit code {code}"
    return "failed", f"{why}, after {seconds:.0f} s; its last line: {cut(last, 200)}"


def page(rows: Sequence[Row], dry: bool) -> str:
    """Return the table, and where its figures are from."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    head = f"`benchmarks/gpu.sh{' --cpu' if dry else ''}`, {date.today()}\n\n{DRY if dry else ''}"
    return head + markdown_table(["step", "what", "found"], cells)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
