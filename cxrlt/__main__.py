"""``cxrlt``, or ``python -m cxrlt``: predict images, submit to the challenge, export, describe, compare."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from cxrlt import compare, export, info, predict, submit
from cxrlt_core.system.errors import StudyError

COMMANDS = (predict, submit, export, info, compare)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all sub-commands."""
    top = argparse.ArgumentParser(
        prog="cxrlt", description="Use the models and ensembles of a study; judge predictions."
    )
    commands = top.add_subparsers(required=True, metavar="command")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        summary = (module.__doc__ or "").partition("\n")[0]  # python -OO has none
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; a user's mistake is one line and exit code 1.

    Without arguments it takes those of this process; Ctrl-C then ends it at once, and raises nothing.
    """
    if arguments is None:
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # whatever the locale is
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    chosen = parser().parse_args(arguments)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # a waiting thread leaves the core to others
    try:
        return chosen.run(chosen)
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that may not be written to
        print(
            f"error: {error.filename2 or error.filename}: {(error.strerror or str(error)).lower()}",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
