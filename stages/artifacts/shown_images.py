"""Pictures that show images of the development set: examples, and where the base variant looks."""

import math

import numpy as np
import pandas as pd

from cxrlt_core.demo.places import EDGES
from cxrlt_core.figures.picture import Picture
from cxrlt_core.labels import POSITIVE
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.figures import attention, examples
from cxrlt_core.system.files import read_parquet
from stages.artifacts.arrays import open_images
from stages.artifacts.sets import read_set

EXAMPLES = 12


def draw_images(params: Params) -> dict[str, Picture]:
    """Draw what may be shown: real images only with ``report.show_images``."""
    pictures = {}
    if params.report.show_images:
        pictures["examples"] = _first_images(params)
    if params.report.show_images or params.data.primary in params.demo.sources:
        pictures |= _attention_maps(params)
    return pictures


def _first_images(params: Params) -> Picture:
    data = read_set("dev")
    positions = np.arange(min(EXAMPLES, len(data.table)))
    images = open_images(data, params.image).gather(positions).numpy()[:, 0]
    labels = [np.array(data.classes)[row == POSITIVE].tolist() for row in data.targets[positions]]
    return examples(images, labels)


def _attention_maps(params: Params) -> dict[str, Picture]:
    """Draw where the base variant looks, if it has maps."""
    table = read_parquet("predictions/attention.parquet")
    if table.empty:
        return {}
    images = open_images(read_set("dev"), params.image).gather(table["position"].to_numpy()).numpy()[:, 0]
    return {"attention": attention(_records(table), images)}


def _records(table: pd.DataFrame) -> list[dict]:
    """Return what :mod:`cxrlt_core.figures.attention_maps` draws."""
    boxes, side = table[list(EDGES)].to_numpy(), math.isqrt(len(table["map"].iloc[0]))
    return [
        {**one, "map": one["map"].reshape(side, side), "box": box if np.isfinite(box).all() else None}
        for one, box in zip(table.to_dict("records"), boxes, strict=True)
    ]
