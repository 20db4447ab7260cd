"""What a removed entry of params.yaml has left behind.

DVC forgets a stage that is gone, but not its files. A stage that depends on a folder with something of each
entry would take them for input, and a clone, which lacks them, for a change; so it removes them first.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

from cxrlt_core.designs.reweight import reweightings
from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import SCRATCH


def remove_leftovers(params: Params, *folders: str) -> None:
    """Remove what belongs to no entry of params.yaml: from all folders, or from those among some paths."""
    sources, variants = params.data.sources, params.variants
    names: dict[str, Collection[str]] = {
        "data/encoders": params.image_encoders,
        "data/external": params.data.external,
        "data/labels": sources,
        "data/packed": sources,
        "data/pixels": variants,
        "data/resized": sources,
        "data/text": params.text_encoders,
        "data/trained": {SCRATCH, *variants},
        "data/watched": sources,
        "metrics/attention": params.data.external,
        "metrics/dev": variants,
        "metrics/external": params.data.external,
        "metrics/zero_shot": params.zero_shot,
        "metrics/seconds": variants,
        "models": variants,
        "predictions/dev": variants,
        "predictions/external": params.data.external,
        "predictions/tta": variants,
        "weights": {"uniform", *reweightings(params.reweight)},
    }
    for folder in names.keys() & set(folders) if folders else names:
        _remove_others(Path(folder), names[folder])


def _remove_others(folder: Path, names: Collection[str]) -> None:
    """Remove files and folders such as ``<name>`` or ``<name>.json`` of what is not named."""
    for path in folder.glob("[!.]*"):
        if path.name.split(".")[0] not in names:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
