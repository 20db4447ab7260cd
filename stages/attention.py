"""Where the base variant looks: scored where findings' places are known, and a few images kept to show.

Usage: python -m stages.attention
"""

from typing import Any

import numpy as np
import pandas as pd

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.boxes.files import EDGES
from cxrlt_core.metrics.pointing import Places, pointing_games
from cxrlt_core.metrics.scores import average_precision
from cxrlt_core.params.schema import Params
from cxrlt_core.prediction.attention import attention_maps, examples_to_show
from cxrlt_core.study.variants import resolved
from cxrlt_core.system.device import open_device
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json, write_parquet
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.models import load_trained
from stages.artifacts.places import FoundPlaces, find_places
from stages.artifacts.predictions import read_predictions
from stages.artifacts.sets import LabelledSet, read_groups, read_set

EACH = 3  # images shown of a class: labelled with it, and not


def main(params: Params) -> None:
    """Write metrics/attention.json, and the maps of the images to show to predictions/attention.parquet."""
    data, image = read_set("dev"), resolved(params, params.reweight.base).image
    places = find_places(params, params.data.primary, data, image)
    shown = choose_examples(params, data, places.table["label"].unique())
    positions = np.union1d(places.table["position"], shown["position"]).astype(int)
    content = unscored(params, places)
    try:
        maps = look(params, open_images(data, params, image), positions)
    except StudyError as error:  # of an encoder without a grid; the study goes on
        content["reason"], shown = str(error), shown[:0]
    else:
        content |= score(params, data, positions, maps, places)
        row, column = np.searchsorted(positions, shown["position"]), shown["class"].map(data.classes.index)
        shown["map"] = list(maps[0, row, column].reshape(len(shown), -1))
        where = zip(shown["position"], column, strict=True)
        shown["boxes"] = [boxes_of(places, position, label) for position, label in where]
    write_json("metrics/attention.json", content)
    write_parquet("predictions/attention.parquet", shown)
    print(f"{len(content['classes'])} classes scored by where {params.reweight.base} looks")


def unscored(params: Params, places: FoundPlaces, reason: str | None = None) -> dict[str, Any]:
    """Return what is told where nothing is scored, and why not, if something stands against it."""
    content = {"variant": params.reweight.base, "grid": None, "reason": reason, "classes": {}, "few": []}
    return {**content, "left_out": dict(places.left_out)}


def score(
    params: Params, data: LabelledSet, positions: np.ndarray, maps: np.ndarray, places: FoundPlaces
) -> dict[str, Any]:
    """Return how often the maps (S, n, C, h, h) of images at n positions of a set meet its boxes."""
    table = places.table
    image = np.searchsorted(positions, table["position"])
    known = Places(image, table["label"].to_numpy(), table[[*EDGES]].to_numpy())
    patients = data.table["patient_id"].to_numpy(str)[positions]
    games, few = pointing_games(maps, known, patients, data.classes, params.bootstrap.level)
    return {"grid": maps.shape[-1], "classes": games, "few": few}


def boxes_of(places: FoundPlaces, position: int, label: int) -> np.ndarray:
    """Return the edges of a class's boxes in an image, one after the other: float32 (4 K,)."""
    table = places.table
    return table.loc[(table["position"] == position) & (table["label"] == label), [*EDGES]].to_numpy().ravel()


def choose_examples(params: Params, data: LabelledSet, known: np.ndarray) -> pd.DataFrame:
    """Choose the images to show by the model of the first seed: position, class, labelled, probability.

    ``known`` are the indices of the classes that lie somewhere; others are shown where there are none.
    """
    predictions = read_predictions(params.reweight.base, params.train.seeds[0], data, "none")
    precision = average_precision(data.targets, predictions)
    precision[[name in params.label_space.normal for name in data.classes]] = np.nan  # not to be seen
    if len(known):
        precision[~np.isin(np.arange(len(data.classes)), known)] = np.nan
    rows = examples_to_show(data.targets, predictions, precision, data.classes, read_groups(), EACH)
    shown = pd.DataFrame(rows, columns=["position", "class", "labelled", "probability"])
    return shown.astype({"position": int})


def look(params: Params, images: PackedImages, positions: np.ndarray) -> np.ndarray:
    """Return the maps of the models of all seeds at n positions of a set, float32 (S, n, C, h, h)."""
    device, batch_size = open_device(params.compute.device, params.compute.threads), params.compute.batch_size
    maps = []
    for seed in params.train.seeds:
        model = load_trained(params.reweight.base, seed)
        pixels = model.config.pixels
        maps.append(attention_maps(model.network, images, positions, pixels, device, batch_size))
    return np.stack(maps)


if __name__ == "__main__":
    run_stage(main)
