"""What every stage shares: parameters, the border where errors become one line, and the item argument."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from cxrlt_core.params.parse import parse_params
from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import existing
from cxrlt_core.system.processes import exit_on_sigterm


def load_params(path: str = "params.yaml") -> Params:
    """Read and validate the parameters in the current folder."""
    try:
        content = yaml.safe_load(existing(Path(path)).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise StudyError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return parse_params(content, path)


def file_hash(path: str) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def loaded_code() -> list[str]:
    """Return the files of the repository's modules that are loaded."""
    modules = [m for name, m in sorted(sys.modules.items()) if name.startswith(("cxrlt_core.", "stages."))]
    return [m.__file__ for m in modules if m.__file__]


def run_stage(main: Callable[..., None]) -> None:
    """Call ``main(params, *arguments)`` and turn a :class:`StudyError` into its line and exit code 1.

    SIGTERM ends it with code 143, by way of what must be closed; a training handles it by itself.
    """
    exit_on_sigterm()
    try:
        main(load_params(), *sys.argv[1:])
    except StudyError as error:
        sys.exit(f"error: {error}")
