"""A program that starts a stage elsewhere, such as Slurm's srun: it ends with DVC, and the stage may save.

At SIGTERM and SIGHUP srun has its tasks killed at once. SIGUSR1 it hands on, and a stage takes that for
SIGTERM; see :func:`cxrlt_core.system.processes.end_at_signals`.

Usage: python -m cxrlt_core.system.launcher <program> <arguments>
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial

from cxrlt_core.system.errors import SIGNALS, Stopped
from cxrlt_core.system.processes import end_at_signals, end_with_dvc, end_with_parent, termination

POLL = 0.1  # seconds
PATIENCE = 60.0  # seconds to save, where the cluster gives them


def main(command: Sequence[str]) -> int:
    """Run a program, away from the terminal and its Ctrl-C; return its exit code, 128 more than a signal's.

    Stopped after Ctrl-C or SIGTERM, here or where the stage ran, which has said so.
    """
    end_at_signals()
    end_with_dvc()
    with termination() as asked:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=partial(end_with_parent, signal.SIGUSR1),
        )  # fmt: skip
        while process.poll() is None and not asked.code:
            time.sleep(POLL)
        if asked.code:
            _end(process)
        code = process.wait()
        code = 128 - code if code < 0 else code
        if code in SIGNALS:
            raise Stopped(asked.code or code)
    return code


def _end(process: subprocess.Popen) -> None:
    """Ask a program to end, in the way in which what it started can save."""
    process.send_signal(signal.SIGUSR1)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.terminate()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:
        sys.exit(f"error: {sys.argv[1]}: {error.strerror}")
