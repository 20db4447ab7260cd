"""PyTorch's torchrun, which ends with a line where that shows its own log and traceback.

Usage: python -m cxrlt_core.system.torchrun, and what torchrun takes.
"""

import logging
import signal
import sys
from tempfile import TemporaryDirectory

from cxrlt_core.system.errors import LOST, reason
from cxrlt_core.system.processes import end_at_signals, end_with_dvc


def main() -> int:
    """Run what torchrun would; return its exit code. A process that failed has said why."""
    end_at_signals()  # until torchrun has handlers of its own
    end_with_dvc(here=False)  # for the processes to come, too, of which torchrun takes care
    logging.disable(logging.ERROR)
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    try:
        with TemporaryDirectory(prefix="torchrun_") as logs:  # where its own would stay behind
            run.main(["--log-dir", logs, *sys.argv[1:]])
    except ChildFailedError as error:
        codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
        return _say(why_ended(codes), max(1, min(codes.values())))
    except SignalException as error:  # each process has got the signal, too
        return 128 + error.sigval
    except Exception as error:
        return _say(f"torchrun: {reason(error)}", 1)
    return 0


def why_ended(codes: dict[int, int]) -> str | None:
    """Return what to say of processes that failed, from exit code by rank; None where they have said it.

    SIGTERM is how torchrun ends the others.
    """
    killed = {rank: -code for rank, code in codes.items() if code < 0 and code != -signal.SIGTERM}
    if killed:
        rank, number = next(iter(killed.items()))
        return f"process {rank} was killed ({signal.Signals(number).name}), and the others ended with it"
    if set(codes.values()) - {LOST, -signal.SIGTERM}:
        return None
    return "the processes have lost each other"


def _say(line: str | None, code: int) -> int:
    if line:
        print(f"error: {line}; dvc repro goes on from what is saved", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
