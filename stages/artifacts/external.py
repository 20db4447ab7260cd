"""External sets, the rows of Table 2 as they are frozen, and who has seen what."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.labels import UNKNOWN
from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.packing.packed_array import pictures
from cxrlt_core.params.schema import Image, Params
from cxrlt_core.serving.ensemble_folder import read_ensemble
from cxrlt_core.splits.seen import seen_images
from cxrlt_core.study.variants import replenished, trained_sources
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet
from stages.artifacts.arrays import open_or_pack
from stages.artifacts.paths import (
    array_path,
    ensemble_folder,
    ensemble_path,
    external_path,
    geometry_name,
    model_folder,
    set_path,
)
from stages.artifacts.predictions import check_probabilities
from stages.artifacts.sets import LabelledSet, check_labels
from stages.artifacts.trained import check_model


def read_external(name: str, classes: Sequence[str]) -> LabelledSet:
    """Read an external set with the classes of the study; StudyError when it has a label of none of them."""
    path = external_path(name)
    table = read_parquet(path)
    targets = check_labels(path, table[list(classes)].to_numpy(), classes)
    if (targets == UNKNOWN).all():
        known = ", ".join(classes)
        raise StudyError(f"data.external.{name}: no label of a class of the study, expected some of {known}")
    return LabelledSet(name, table, np.ascontiguousarray(targets), list(classes))


def open_external(data: LabelledSet, params: Params, image: Image) -> PackedImages:
    """Map the packed images of an external set in a size and fit; what is absent is packed again."""
    images = data.table
    if (geometry := geometry_name(image)) != geometry_name(params.image):
        index = read_parquet(external_path(data.name, f"{geometry}.parquet"), ["image_id", "row", "digest"])
        images = images[["image_id"]].merge(index, on="image_id", how="left", validate="one_to_one")
    array = open_or_pack(array_path(image, data.name), data.name, images, "external_images")
    return PackedImages({data.name: array}, [data.name] * len(images), images["row"].to_numpy())


def trained_on(params: Params, data: LabelledSet) -> dict[str, str]:
    """Return the variants that an external set is not external to, and why.

    Their training has replenished itself from its hospital, or has seen one of its images or patients; so has
    the development set, which chooses. That the study itself is of its hospital is said of the whole set.
    """
    hospital = params.data.external[data.name].hospital
    images = data.table.assign(picture=pictures(data.table["digest"]))
    seen = {
        more: _overlap(images, ("train_replenished" if more else "train_primary", "dev")) for more in (0, 1)
    }
    why = {}
    for variant in params.variants:
        if hospital in trained_sources(params, variant) and hospital != params.data.primary:
            why[variant] = f"trained on {hospital}"
        elif count := seen[replenished(params, variant)]:
            why[variant] = f"has seen {count:,} of its images, or their patients, in training or development"
    return why


def _overlap(images: pd.DataFrame, sets: Sequence[str]) -> int:
    known = (read_parquet(set_path(name), ["patient_id", "digest"]) for name in sets)
    return int(seen_images(images, (one.assign(picture=pictures(one["digest"])) for one in known)).sum())


@dataclass(frozen=True)
class FrozenEnsemble:
    """An ensemble as ensembles/<row>/<seed>/ has it."""

    models: list[str]  # names of its M members
    weights: np.ndarray  # float64 (M, C)
    calibration: Calibration


def read_frozen(row: str, seed: int, classes: Sequence[str]) -> FrozenEnsemble:
    """Read a row of Table 2; StudyError when a member is not the model of its name, as it was trained."""
    folder = ensemble_folder(row, seed)
    config = read_ensemble(folder)
    places = [os.path.normpath(folder / member.folder) for member in config.members]
    models = [os.path.basename(os.path.dirname(place)) for place in places]
    for model, place, member in zip(models, places, config.members, strict=True):
        if place != str(model_folder(model, seed)):
            raise StudyError(f"{folder}: {member.folder}: no model of seed {seed}; run dvc repro")
        check_model(f"{folder}", dict(member.sha256), model, seed)
    weights = np.array([config.weights[name] for name in classes]).T
    return FrozenEnsemble(models, weights, Calibration.from_json(config.calibration, classes))


def read_own(row: str, seed: int, test: LabelledSet) -> np.ndarray:
    """Read what a row of Table 2 says of the test set, float32 (N, C); StudyError: it is of another."""
    path = ensemble_path(row, seed)
    table = read_parquet(path)
    if list(table.columns[3:]) != test.classes or not table["image_id"].equals(test.table["image_id"]):
        raise StudyError(f"{path}: images or classes differ from those of the set; run dvc repro")
    return check_probabilities(path, table[test.classes].to_numpy(), test.classes)
