"""Packed arrays are images of patients: where they lie, git must not take them."""

import subprocess
from pathlib import Path

from cxrlt_core.system.errors import StudyError


def check_store(store: str) -> None:
    """Check that git would not commit what lies in ``image.store``.

    Raises:
        StudyError: when it is a folder of the repository that git does not ignore.
    """
    inside = Path(store, "array.npy").resolve()  # git does not look beyond a link
    try:
        asked = subprocess.run(["git", "check-ignore", "--quiet", inside], capture_output=True)
    except FileNotFoundError:  # no git, nothing is committed
        return
    if asked.returncode == 1:  # 128: outside of the repository, or there is none
        raise StudyError(
            f"image.store: git does not ignore {store!r}, and would commit images of patients; "
            "expected a folder outside of the repository, or one that .gitignore names"
        )
