"""The parameters of a stage: params.yaml as it was when the run began.

The first stages, ``code`` and ``settings``, and what is no stage read params.yaml itself; all others read
what ``settings`` made of it, so that an edit during a run waits for the next one.
"""

import subprocess
from pathlib import Path

from cxrlt_core.params.schema import Params
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json
from cxrlt_core.system.yaml_file import read_yaml

RECORD = "data/settings/params.json"
FIRST = ("stages.code", "stages.settings")


def params_of(module: str) -> Params:
    """Return the parameters that a module reads, ``stages.train`` say."""
    return recorded_params() if is_recorded(module) else load_params()


def is_recorded(module: str) -> bool:
    """Whether a module is a stage that reads what ``settings`` wrote."""
    return module.startswith("stages.") and module not in FIRST


def load_params(path: str = "params.yaml") -> Params:
    """Read the parameters; StudyError when they are wrong, or git would take the packed images."""
    params = parse_params(read_yaml(path), path)
    check_store(params.image.store)
    return params


def recorded_params() -> Params:
    """Read the parameters of the run; StudyError when no run has begun."""
    if not Path(RECORD).exists():
        raise StudyError(f"{RECORD}: no such file; dvc repro settings writes it")
    return Params.model_validate(read_json(RECORD))


def check_store(store: str) -> None:
    """Raise StudyError when ``image.store`` is a folder of the repository that git does not ignore."""
    array = Path(store, "array.npy").resolve()  # git does not look beyond a link
    try:
        git = subprocess.run(["git", "check-ignore", "--quiet", array], capture_output=True)
    except FileNotFoundError:  # no git, nothing is committed
        return
    if git.returncode == 1:  # 128: outside of the repository, or there is none
        raise StudyError(
            f"image.store: git does not ignore {store!r}, and would commit images of patients; "
            "expected a folder outside of the repository, or one that .gitignore names"
        )
