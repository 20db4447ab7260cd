"""Calls of stages and files between them, through the functions of :mod:`stages.artifacts`."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from cxrlt_core.demo.releases import write_release
from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.labels import CLASSES
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import read_json, read_parquet, read_parquet_metadata, write_parquet, write_text
from cxrlt_core.system.tensors import read_tensor_metadata, read_tensors
from stages import harmonize, settings, split, train
from stages.artifacts import arrays, border
from stages.artifacts.predictions import read_predictions, write_predictions
from stages.artifacts.sets import LabelledSet, read_set
from stages.artifacts.weights import read_weights
from stages.pretrained import TEXT, check_location
from tests.bad_input.params import SMOKE, with_changes

Attempt = Callable[[], object]
DEV, PREDICTIONS, WEIGHTS = "data/sets/dev.parquet", "predictions/dev/a/0.parquet", "weights/main.json"
DAMAGE = {"empty": b"", "text": b"no such thing", "zeros": b"\0" * 64}
DAMAGE |= {"bytes that are no text": b"\xff\xfe" * 40}
READERS = {
    "a JSON file": read_json,
    "a Parquet file": read_parquet,
    "a Parquet file whose metadata are asked for": read_parquet_metadata,
    "a safetensors file": read_tensors,
    "a safetensors file whose metadata are asked for": read_tensor_metadata,
}


def damaged(read: Callable[[Path], object], content: bytes) -> None:
    Path("x").write_bytes(content)
    read(Path("x"))


def table(*columns: str, cut: int | None = None) -> None:
    """Write a table of a column ``a``, cut its file, and read these columns."""
    write_parquet(Path("x.parquet"), pd.DataFrame({"a": range(1000)}))
    Path("x.parquet").write_bytes(Path("x.parquet").read_bytes()[:cut])
    read_parquet(Path("x.parquet"), (columns and [*columns]) or None)


def dev(**columns: object) -> LabelledSet:
    """Write and read a development set of three images and two classes, with columns in place of its own."""
    table = pd.DataFrame({"image_id": list("abc"), "study_id": list("abc"), "patient_id": list("abc")})
    table = table.assign(view="PA", source="nih", row=[0, 1, 2])
    labels = {"Edema": np.array([1, 0, -1], np.int8), "Mass": np.array([0, 0, 1], np.int8)}
    write_parquet(DEV, table.assign(**labels | columns), {"fingerprints": '{"nih": "x"}'})
    return read_set("dev")


def label_of_a_source() -> None:
    write_parquet("data/labels/nih.parquet", pd.DataFrame({name: [0, 7] for name in CLASSES}))
    split.packed_labels("nih")


def probability(value: float) -> None:
    data = dev()
    write_predictions(PREDICTIONS, data, np.full((3, 2), 0.5))
    write_parquet(PREDICTIONS, read_parquet(PREDICTIONS).assign(Edema=[0.5, 0.5, value]))
    read_predictions(PREDICTIONS, data, "none")


def other_images() -> None:
    write_predictions(PREDICTIONS, dev(), np.full((3, 2), 0.5))
    read_predictions(PREDICTIONS, dev(image_id=list("abd")), "none")


def weights(content: object, seed: int = 0) -> None:
    write_text(WEIGHTS, json.dumps(content))
    read_weights("main", seed)


def row(value: int) -> None:
    """Open the images of a set, one of which is said to lie in some row of an array of three."""
    with patch.object(arrays, "run_again"):
        Path("s").mkdir()
        np.save("s/nih-16-squash.npy", np.zeros((3, 16, 16), np.uint8))
        write_parquet("s/nih-16-squash.record.parquet", pd.DataFrame({"digest": ["shade 0"] * 3}))
        params = parse_params(with_changes({"image.store": "s", "image.size": 16}))
        arrays.open_images(dev(row=[0, 1, value], digest="shade 0"), params)


def called(main: Callable[..., None], *words: str) -> None:
    """Call a stage of the smoke study with some words."""
    with patch.object(sys, "argv", ["stage", *words]):
        border.check_arguments(main)
        border.check_item(main, parse_params(SMOKE))


def text_encoder(place: str, link: str | None = None) -> None:
    """Note the weights of a text encoder in some place, where perhaps a link leads elsewhere."""
    for file in (TEXT / "model/a", Path("elsewhere/model/a")):
        file.parent.mkdir(parents=True)
        file.touch()
    if link:
        name, target = link.split(" → ")
        (TEXT / name).symlink_to(Path(target).absolute())
    check_location(place, TEXT, "text_encoders.x.model")


LABELS = (5, -2, 256, 0.5, float("nan"))
PLACES = ("elsewhere/model", "data/text_encoders/../../elsewhere/model", "data/text_encoders", "/tmp")
LINKS = {"link → elsewhere/model": "link", "link → elsewhere": "link/model", "model/in → elsewhere": "model"}

ATTEMPTS: dict[str, Attempt] = {
    "a stage without its argument": partial(called, train.main),
    "a stage with an argument too many": partial(called, settings.main, "a"),
    "a source that is none": partial(called, harmonize.main, "vindr"),
    "a release that the demo does not draw": lambda: write_release(
        "padchest", parse_params(SMOKE).demo, Path("labels"), Path("images"), Path("places")
    ),
    "a text encoder that the demo does not make": lambda: write_text_model("gpt", Path("gpt"), seed=0),
    **{
        f"{file}: {what}": partial(damaged, read, content)
        for file, read in READERS.items()
        for what, content in DAMAGE.items()
    },
    "a table that is cut": partial(table, cut=-20),
    "a table without a column": partial(table, "a", "b"),
    "a file that is not there": lambda: read_json(Path("x.json")),
    **{f"a label of {value}": partial(dev, Mass=[0, 0, value]) for value in LABELS},
    "a label of 7 in the table of a source": label_of_a_source,
    **{f"a probability of {p}": partial(probability, p) for p in (1.5, -0.1, float("nan"), float("inf"))},
    "a probability of 1.5 that a stage writes": lambda: write_predictions(
        PREDICTIONS, dev(), np.array([[0, 0], [0, 0], [1.5, 0]])
    ),
    "predictions of other images": other_images,
    **{
        f"a class weight of {value!r}": partial(weights, {"weights": {"Edema": 1, "Mass": value}})
        for value in (-1, 0, float("inf"), float("nan"), "2", None)
    },
    "class weights of other seeds": partial(weights, {"seeds": {n: {"weights": {}} for n in "01"}}, 7),
    **{f"a text encoder in {place}": partial(text_encoder, place) for place in (*PLACES, f"{TEXT}/none")},
    **{
        f"a text encoder in {TEXT}/{at}, and a link, {link}": partial(text_encoder, f"{TEXT}/{at}", link)
        for link, at in LINKS.items()
    },
    **{f"row {value} of an array of three": partial(row, value) for value in (-1, 3, 1000)},
}
