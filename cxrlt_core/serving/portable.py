"""A model or an ensemble in a folder of its own, which needs no study around it."""

import shutil
from dataclasses import replace
from pathlib import Path

from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.model.folder import CONFIG, WEIGHTS
from cxrlt_core.serving.ensemble_folder import FILE, read_ensemble, write_ensemble
from cxrlt_core.serving.loading import CALIBRATION
from cxrlt_core.system.files import atomic, read_json, write_json


def write_portable(folder: Path, calibration: Calibration, out: Path) -> None:
    """Copy a model with its thresholds, or an ensemble with its members, so that ``out`` can be loaded."""
    if not (folder / FILE).exists():
        _copy_model(folder, out)
        write_json(out / CALIBRATION, calibration.to_json(read_json(folder / CONFIG)["classes"]))
        return
    config = read_ensemble(folder)
    members = []
    for number, member in enumerate(config.members):
        place = f"members/{number}"
        _copy_model(folder / member.folder, out / place)
        members.append(replace(member, folder=place))
    write_ensemble(out, replace(config, members=members))


def _copy_model(folder: Path, out: Path) -> None:
    for name in (WEIGHTS, CONFIG):
        with atomic(out / name) as temporary:
            shutil.copyfile(folder / name, temporary)
