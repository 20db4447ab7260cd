"""How every stage starts and ends: parameters, launcher, another stage, and errors as one line."""

import atexit
import gc
import inspect
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Literal, NoReturn

from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import SIGNALS, Stopped, StudyError, stopped_line
from cxrlt_core.system.processes import end_at_signals, end_with_dvc, termination
from stages.artifacts.parameters import params_of
from stages.artifacts.recorded import unchanged

POLL = 0.1  # seconds
LAUNCHED = "CXRLT_LAUNCHED"  # set in the processes that a launcher has started
TORCHRUN = ("python", "-m", "cxrlt_core.system.torchrun")
OTHER = ("python", "-m", "cxrlt_core.system.launcher")  # of a launcher that knows no DVC
#: Stage to the section of params.yaml that names its items.
ITEMS = {
    "embed": "text_encoders",
    "encoder": "image_encoders",
    "evaluate": "variants",
    "external": "data.external",
    "external_attention": "data.external",
    "external_images": "data.external",
    "harmonize": "data.sources",
    "pack": "data.sources",
    "train": "variants",
    "tta": "variants",
    "zero_shot": "zero_shot",
}


def run_stage(main: Callable[..., None], launcher: Literal["train", "evaluate"] | None = None) -> None:
    """Call ``main(params, *arguments)`` and turn a :class:`StudyError` into its line and exit code 1.

    ``launcher`` is the key of ``launch`` that says how the stage is started, and no part of the command, so
    that DVC runs nothing again because of it. SIGTERM ends it with code 143 and Ctrl-C with 130, and a line
    says what is saved: at once, but a training and a packing save first what they have.
    """
    atexit.register(gc.freeze)  # else Python looks for garbage in all that was imported, at its end
    end_at_signals()
    end_with_dvc(here=LAUNCHED not in os.environ)
    try:
        check_arguments(main)
        params = params_of(_module(main))
        check_item(main, params)
        if launcher is not None:
            launch(getattr(params.launch, launcher), f"launch.{launcher}")
        with unchanged(_module(main), params):
            main(params, *sys.argv[1:])
    except StudyError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {place}{error.strerror or error}")
    except Stopped as stopped:
        leave(stopped)


def check_arguments(main: Callable[..., None]) -> None:
    """Raise StudyError that says how the stage is used if arguments, or Python's own, are wrong."""
    if sys.flags.optimize > 1:
        raise StudyError("python -OO, or PYTHONOPTIMIZE=2: transformers reads docstrings, expected python")
    try:
        inspect.signature(main).bind(None, *sys.argv[1:])
    except TypeError:
        parameters = list(inspect.signature(main).parameters.values())[1:]
        arguments = "".join(f" <{parameter.name}>" for parameter in parameters)
        usage = f"python -m {_module(main)}{arguments}"
        given = len(sys.argv) - 1
        raise StudyError(f"expected {len(parameters)} arguments, found {given}; {usage}") from None


def check_item(main: Callable[..., None], params: Params) -> None:
    """Raise StudyError that lists the items if params.yaml has none of the name that the stage got."""
    section = ITEMS.get(_module(main).rpartition(".")[2])
    if section and sys.argv[1] not in (known := attrgetter(section)(params)):
        raise StudyError(f"{section}.{sys.argv[1]}: missing key, found {', '.join(known) or 'none'}")


def _module(main: Callable[..., None]) -> str:
    """Return the name of a stage's module, which is ``__main__`` where it runs; none of what is no module."""
    spec = main.__globals__["__spec__"]
    return spec.name if spec else ""


def leave(stopped: Stopped) -> NoReturn:
    """End after Ctrl-C or SIGTERM with a line that says what is saved."""
    if stopped.saved is not None:
        print(stopped_line(stopped.code, stopped.saved), flush=True)
    sys.exit(stopped.code)


def launch(prefix: str, key: str) -> None:
    """Replace this process by itself under a launcher such as torchrun; return if there is none to start.

    A torchrun in the prefix becomes :mod:`cxrlt_core.system.torchrun`; another program runs below
    :mod:`cxrlt_core.system.launcher`. StudyError: no such program.
    """
    command: list[str] = []
    for word in shlex.split(os.path.expandvars(prefix)):
        command += TORCHRUN if os.path.basename(word) == "torchrun" else [word]
    if command == ["python"] or LAUNCHED in os.environ:
        return
    if shutil.which(command[0]) is None:
        raise StudyError(f"{key}: cannot start {command[0]!r}: no such program")
    command = [*([] if command[0] == "python" else OTHER), *command]
    command += ["-m", sys.modules["__main__"].__spec__.name, *sys.argv[1:]]
    os.execvpe(command[0], command, {**os.environ, LAUNCHED: "1"})


def run_again(stage: str, source: str) -> None:
    """Run another stage's command; not by an import, by which its code would count as the caller's.

    StudyError when it fails, after its own error line; Stopped after SIGTERM or Ctrl-C, after its own line.
    """
    command = [sys.executable, "-m", f"stages.{stage}", source]
    with termination() as asked, subprocess.Popen(command) as process:
        while process.poll() is None and not asked.code:
            time.sleep(POLL)
        if asked.code == 143:  # a terminal sends Ctrl-C to both
            process.terminate()
        code = process.wait()
        if code in SIGNALS:
            raise Stopped(code)
    if code:
        raise StudyError(f"{stage}@{source} failed, for the reason above")
