"""Load the folder of a model or of an ensemble; copy it to one that needs no study around it."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from cxrlt_core.designs.tta import Tta
from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.model.folder import CONFIG, WEIGHTS, TrainedModel, model_marks, read_model
from cxrlt_core.serving.ensemble_folder import FILE, Member, read_ensemble, write_ensemble
from cxrlt_core.serving.predictor import Predictor
from cxrlt_core.system.atomic import atomic
from cxrlt_core.system.device import open_device
from cxrlt_core.system.errors import StudyError, reason
from cxrlt_core.system.files import existing, read_json, write_json

CALIBRATION = "calibration.json"  # beside a model that has been exported: its thresholds and temperature


def load_model(folder: Path | str, device: str = "auto", threads: int | None = None) -> Predictor:
    """Load the folder of a model (config.json, model.safetensors) or of an ensemble (ensemble.json).

    ``auto`` takes a GPU if there is one; PyTorch chooses the threads of the CPU, if absent. StudyError when
    the folder is no such thing or not whole, or a member is not the one chosen.
    """
    folder = existing(folder)
    opened = open_device(device, threads or torch.get_num_threads(), "device")
    try:
        return _load_ensemble(folder, opened) if (folder / FILE).exists() else _load_alone(folder, opened)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{folder}: not as it was written: {reason(error)}") from None


def _load_alone(folder: Path, device: torch.device) -> Predictor:
    if not (folder / CONFIG).exists():
        raise StudyError(
            f"{folder}: no model, expected {CONFIG} (a model) or {FILE} (an ensemble) in this folder"
        )
    model, path = read_model(folder), folder / CALIBRATION
    classes = model.config.classes
    calibration = Calibration.from_json(read_json(path) if path.exists() else None, classes)
    tta = Tta(views=1, seed=0, augment=model.config.augment)
    return Predictor([_placed(model, device)], np.ones((1, len(classes))), calibration, tta, device)


def _load_ensemble(folder: Path, device: torch.device) -> Predictor:
    config = read_ensemble(folder)
    weights = np.array([config.weights[name] for name in config.classes]).T
    used = np.flatnonzero(weights.any(axis=1))
    members = [_placed(_read_member(folder, config.members[number]), device) for number in used]
    if any(list(member.config.classes) != list(config.classes) for member in members):
        raise StudyError(f"{folder / FILE}: members differ in classes")
    calibration = Calibration.from_json(config.calibration, config.classes)
    return Predictor(members, weights[used], calibration, Tta(**config.tta), device)


def _read_member(folder: Path, member: Member) -> TrainedModel:
    place = Path(os.path.normpath(folder / member.folder))
    if model_marks(place) != member.sha256:
        raise StudyError(
            f"{folder / FILE}: {place} is not the model that was chosen; expected dvc repro ensemble"
        )
    return read_model(place)


def _placed(model: TrainedModel, device: torch.device) -> TrainedModel:
    return replace(model, network=model.network.to(device, memory_format=torch.channels_last))


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
