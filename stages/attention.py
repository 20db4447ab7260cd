"""Where the base variant looks: scored where findings' places are known, and a few images kept to show.

Usage: python -m stages.attention
"""

import numpy as np
import pandas as pd

from cxrlt_core.demo.boxes import EDGES, read_boxes
from cxrlt_core.metrics.pointing import pointing_games
from cxrlt_core.metrics.scores import average_precision
from cxrlt_core.params.schema import Params
from cxrlt_core.prediction.attention import attention_maps, examples_to_show
from cxrlt_core.study.variants import resolved
from cxrlt_core.system.device import open_device
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json, write_parquet
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.drawn import draw_again, raw_folder
from stages.artifacts.models import load_trained
from stages.artifacts.predictions import read_predictions
from stages.artifacts.sets import LabelledSet, read_groups, read_set

EACH = 3  # images shown of a class: labelled with it, and not


def main(params: Params) -> None:
    """Write metrics/attention.json, and the maps of the images to show to predictions/attention.parquet."""
    data = read_set("dev")
    boxes = find_places(params, data)
    known = np.isfinite(boxes).all(-1)
    shown = choose_examples(params, data, known)
    positions = np.union1d(np.flatnonzero(known.any(1)), shown["position"])
    content = {"variant": params.reweight.base, "grid": None, "reason": None, "classes": {}}
    try:
        maps = look(params, data, positions)
    except StudyError as error:  # of an encoder without a grid; the study goes on
        content["reason"], shown = str(error), shown[:0]
    else:
        patients = data.table["patient_id"].to_numpy()[positions]
        games = pointing_games(maps, boxes[positions], patients, data.classes, params.bootstrap.level)
        content |= {"grid": maps.shape[-1], "classes": games}
        row, column = np.searchsorted(positions, shown["position"]), shown["class"].map(data.classes.index)
        shown["map"] = list(maps[0, row, column].reshape(len(shown), -1))
        shown[list(EDGES)] = boxes[shown["position"], column]
    write_json("metrics/attention.json", content)
    write_parquet("predictions/attention.parquet", shown)
    print(f"{len(content['classes'])} classes scored by where {params.reweight.base} looks")


def choose_examples(params: Params, data: LabelledSet, known: np.ndarray) -> pd.DataFrame:
    """Choose the images to show by the model of the first seed: position, class, labelled, probability."""
    predictions = read_predictions(params.reweight.base, params.train.seeds[0], data, "none")
    precision = average_precision(data.targets, predictions)
    precision[[name in params.label_space.normal for name in data.classes]] = np.nan  # not to be seen
    if known.any():
        precision[~known.any(0)] = np.nan
    rows = examples_to_show(data.targets, predictions, precision, data.classes, read_groups(), EACH)
    shown = pd.DataFrame(rows, columns=["position", "class", "labelled", "probability"])
    return shown.astype({"position": int})


def look(params: Params, data: LabelledSet, positions: np.ndarray) -> np.ndarray:
    """Return the maps of the models of all seeds, float32 (S, n, C, h, h)."""
    device = open_device(params.compute.device, params.compute.threads)
    image, batch_size = resolved(params, params.reweight.base).image, params.compute.batch_size
    images = open_images(data, params, image)
    maps = []
    for seed in params.train.seeds:
        model = load_trained(params.reweight.base, seed)
        pixels = model.config.pixels
        maps.append(attention_maps(model.network, images, positions, pixels, device, batch_size))
    return np.stack(maps)


def find_places(params: Params, data: LabelledSet) -> np.ndarray:
    """Return the boxes of drawn findings, (N, C, 4); NaN throughout where the images are not drawn."""
    source = params.data.primary
    if source not in params.demo.sources:
        return np.full((*data.targets.shape, len(EDGES)), np.nan, np.float32)
    places = raw_folder(source) / "places.parquet"
    draw_again(params, source, places)  # DVC keeps the label files of the demo, not what lies beside them
    return read_boxes(places, data.table["path"], data.classes)


if __name__ == "__main__":
    run_stage(main)
