"""What a removed entry of params.yaml has left behind.

DVC forgets a stage that is gone, but not its files. A stage that depends on a folder with something of each
entry would take them for input, and a clone, which lacks them, for a change; so it removes them first.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

from cxrlt_core.params.schema import Params


def remove_leftovers(params: Params, *folders: str) -> None:
    """Remove from folders, or from all of them, what belongs to no entry of params.yaml."""
    sources, variants = params.data.sources, params.variants
    names: dict[str, Collection[str]] = {
        "data/encoders": params.image_encoders,
        "data/labels": sources,
        "data/packed": sources,
        "data/text": params.text_encoders,
        "data/watched": sources,
        "metrics/dev": variants,
        "models": variants,
        "predictions/dev": variants,
        "predictions/tta": variants,
        "weights": {"uniform", *params.reweightings},
    }
    for folder in folders or names:
        _remove_others(Path(folder), names[folder])


def _remove_others(folder: Path, names: Collection[str]) -> None:
    """Remove files and folders such as ``<name>`` or ``<name>.json`` of what is not named."""
    for path in folder.glob("[!.]*"):
        if path.name.split(".")[0] not in names:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
