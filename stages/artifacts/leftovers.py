"""What a removed entry of params.yaml has left behind.

DVC forgets a stage that is gone, but not its files. A stage that depends on a folder of one entry each would
take them for input, and a clone, which lacks them, for a change; so that stage removes them first.
"""

import shutil
from collections.abc import Collection
from pathlib import Path


def remove_leftovers(folder: str, names: Collection[str]) -> None:
    """Remove the files and folders, such as ``<name>`` or ``<name>.json``, of all that is not named."""
    for path in Path(folder).glob("[!.]*"):
        if path.name.split(".")[0] not in names:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
