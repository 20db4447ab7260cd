"""What every stage passes on its way in and out: parameters, launcher, and errors that become one line."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import yaml

from cxrlt_core.params.parse import parse_params
from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import existing
from cxrlt_core.system.processes import exit_on_sigterm

LAUNCHED = "CXRLT_LAUNCHED"  # set in the processes that a launcher has started


def load_params(path: str = "params.yaml") -> Params:
    """Read and validate the parameters in the current folder."""
    try:
        content = yaml.safe_load(existing(Path(path)).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise StudyError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return parse_params(content, path)


def run_stage(main: Callable[..., None], launcher: Literal["train", "evaluate"] | None = None) -> None:
    """Call ``main(params, *arguments)`` and turn a :class:`StudyError` into its line and exit code 1.

    Args:
        main: of the stage.
        launcher: the key of ``launch`` that says how the stage is started. It is no part of the command, so
            DVC runs nothing again because it would be started otherwise.

    SIGTERM ends it with code 143, by way of what must be closed; a training handles it by itself.
    """
    exit_on_sigterm()
    try:
        params = load_params()
        if launcher is not None:
            launch(getattr(params.launch, launcher), f"launch.{launcher}")
        main(params, *sys.argv[1:])
    except StudyError as error:
        sys.exit(f"error: {error}")


def launch(prefix: str, key: str) -> None:
    """Replace this process by itself under a launcher such as torchrun; return if there is none to start.

    Raises:
        StudyError: when there is no such program.
    """
    words = shlex.split(os.path.expandvars(prefix))
    if words == ["python"] or LAUNCHED in os.environ:
        return
    module = sys.modules["__main__"].__spec__.name
    try:
        os.execvpe(words[0], [*words, "-m", module, *sys.argv[1:]], {**os.environ, LAUNCHED: "1"})
    except OSError as error:
        raise StudyError(f"{key}: cannot start {words[0]!r}: {error.strerror}") from None
