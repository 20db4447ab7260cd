"""Calls of stages and files between them, through the functions of :mod:`stages.artifacts`."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.releases import write_release
from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import (
    read_json,
    read_parquet,
    read_parquet_metadata,
    write_json,
    write_parquet,
    write_text,
)
from cxrlt_core.system.tensors import read_tensor_metadata, read_tensors
from stages import external_images, harmonize, pack, settings, split, train, zero_shot
from stages.artifacts import arrays, border
from stages.artifacts.external import read_external
from stages.artifacts.predictions import read_predictions, write_predictions
from stages.artifacts.sets import read_set
from stages.artifacts.trained import read_metrics
from stages.artifacts.weights import read_weights
from stages.pretrained import TEXT, check_location
from tests.bad_input.params import SMOKE, with_changes
from tests.cxrlt_core.packing.pictures import draw

Attempt = Callable[[], object]
DEV, PREDICTIONS, WEIGHTS = "data/sets/dev.parquet", "predictions/dev/a/0.parquet", "weights/main.json"
MARKS = {"model.safetensors": "f00d", "config.json": "beef"}  # of a model
DAMAGE = {
    "empty": b"",
    "text": b"no such thing",
    "zeros": b"\0" * 64,
    "bytes that are no text": b"\xff\xfe" * 40,
}
READERS = {
    "a JSON file": read_json,
    "a Parquet file": read_parquet,
    "a Parquet file whose metadata are asked for": read_parquet_metadata,
    "a safetensors file": read_tensors,
    "a safetensors file whose metadata are asked for": read_tensor_metadata,
}


def damaged(read: Callable[[Path], object], content: bytes) -> None:
    """Read a file of some content."""
    Path("x").write_bytes(content)
    read(Path("x"))


def table(cut: int | None, columns: list[str] | None = None) -> None:
    """Read columns of a table that has one, or whose end is missing."""
    write_parquet(Path("x.parquet"), pd.DataFrame({"a": range(1000)}))
    Path("x.parquet").write_bytes(Path("x.parquet").read_bytes()[:cut])
    read_parquet(Path("x.parquet"), columns)


def write_dev(**columns: object) -> None:
    """Write three images of a development set with two classes, and other columns in place of their own."""
    table = pd.DataFrame({"image_id": list("abc"), "study_id": list("abc"), "patient_id": list("abc")})
    table = table.assign(view="PA", source="nih", row=[0, 1, 2])
    labels = {"Edema": np.array([1, 0, -1], np.int8), "Mass": np.array([0, 0, 1], np.int8)}
    write_parquet(DEV, table.assign(**labels | columns), {"fingerprints": '{"nih": "x"}'})


def label(value: float) -> None:
    """Read a development set with a label of some value."""
    write_dev(Mass=[0, 0, value])
    read_set("dev")


def label_of_a_source() -> None:
    """Split a table of labels that holds a 7."""
    write_parquet("data/labels/nih.parquet", pd.DataFrame({name: [0, 7] for name in CLASSES}))
    split.packed_labels("nih")


def predictions(change: str, value: float = 0.5) -> None:
    """Read predictions with a probability of some value, write such, or read others than are expected."""
    write_dev()
    write_json("data/trained/a.json", {"0": MARKS})
    data, scores = read_set("dev"), np.full((3, 2), 0.5)
    if change == "write":
        scores[2, 0] = value
    write_predictions(PREDICTIONS, data, scores, MARKS)
    metadata = None if change == "older code" else {"model": json.dumps(MARKS)}
    write_parquet(PREDICTIONS, read_parquet(PREDICTIONS).assign(Edema=[0.5, 0.5, value]), metadata)
    if change == "images":
        write_dev(image_id=list("abd"))
    if change == "model":
        write_json("data/trained/a.json", {"0": MARKS | {"model.safetensors": "cafe"}})
    read_predictions("a", 0, read_set("dev"), "none")


def metrics(trained: dict, models: dict) -> None:
    """Read the metrics of some models of a variant, where others have been trained."""
    write_json("data/trained/a.json", trained)
    write_json("metrics/dev/a.json", {"models": models} if models else {})
    read_metrics("a")


def weights(content: object, seed: int = 0) -> None:
    """Read class weights of some content."""
    write_text(WEIGHTS, json.dumps(content))
    read_weights("main", seed)


def row(value: int) -> None:
    """Open the images of a set, one of which is said to lie in some row of an array of three."""
    with patch.object(arrays, "run_again"):
        Path("s").mkdir()
        np.save("s/nih-16-squash.npy", np.zeros((3, 16, 16), np.uint8))
        write_parquet("s/nih-16-squash.record.parquet", pd.DataFrame({"digest": ["shade 0"] * 3}))
        write_dev(row=[0, 1, value], digest="shade 0")
        arrays.open_images(
            read_set("dev"), parse_params(with_changes({"image.store": "s", "image.size": 16}))
        )


def packed(images: str, store: str) -> None:
    """Pack an image that is in ``raw``, or said to be elsewhere, into some store."""
    write_parquet("data/watched/nih.parquet", pd.DataFrame({"image_id": ["nih/a.png"], "path": ["a.png"]}))
    draw(Path("raw/a.png"), seed=0)
    Path("link").symlink_to("unmounted/arrays")
    changes = {"demo.sources": [], "data.sources.nih.images": images, "image.store": store}
    pack.main(parse_params(with_changes(changes)), "nih")


def external(split: str) -> None:
    """Read the test part of a table that labels Edema alone, for a study of Mass; or ask for another part."""
    Path("a.csv").write_text("image,patient,split,Edema\na.png,p,test,1\nb.png,q,test,0\nc.png,r,,0\n")
    for name in "abc":
        draw(Path(f"raw/{name}.png"), seed=0)
    entry = {"reader": "table", "labels": "a.csv", "images": "raw", "test_list": None, "uncertain": "ignore"}
    entry |= {"views": "all", "split": split, "hospital": None, "human": True}
    params = parse_params(with_changes({"data.external": {"gold": entry}, "image.store": "s"}))
    external_images.main(params, "gold")
    read_external("gold", ["Mass"])


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


PLACES = ("elsewhere/model", "data/text_encoders/../../elsewhere/model", "data/text_encoders", "/tmp")
LINKS = {"link → elsewhere/model": "link", "link → elsewhere": "link/model", "model/in → elsewhere": "model"}

ATTEMPTS: dict[str, Attempt] = {
    "a stage without its argument": partial(called, train.main),
    "hidden classes of a variant of which they are not asked": partial(
        called, zero_shot.main, "resnet50_bert_separate"
    ),
    "a stage with an argument too many": partial(called, settings.main, "a"),
    "a launcher that is not there": partial(border.launch, "srum python", "launch.train"),
    "images in a folder that is absent": partial(packed, "rwa", "s"),
    "images in a folder that has none of them": partial(packed, "data", "s"),
    "a store in a folder that is absent": partial(packed, "raw", "dta/arrays"),
    "a store that is a link to nowhere": partial(packed, "raw", "link"),
    "a source that is none": partial(called, harmonize.main, "vindr"),
    "an external set that is none": partial(called, external_images.main, "vindr"),
    "an external set of a part that it has not": partial(external, "dev"),
    "an external set that labels no class of the study": partial(external, "test"),
    "a release that the demo does not draw": lambda: write_release(
        "padchest", parse_params(SMOKE).demo, Path("labels"), Path("images"), Path("places")
    ),
    "a text encoder that the demo does not make": lambda: write_text_model("gpt", Path("gpt"), seed=0),
    **{
        f"{file}: {what}": partial(damaged, read, content)
        for file, read in READERS.items()
        for what, content in DAMAGE.items()
    },
    "a table that is cut": partial(table, -20),
    "a table without a column": partial(table, None, ["a", "b"]),
    "a file that is not there": lambda: read_json(Path("x.json")),
    **{f"a label of {value}": partial(label, value) for value in (5, -2, 256, 0.5, float("nan"))},
    "a label of 7 in the table of a source": label_of_a_source,
    **{
        f"a probability of {value}": partial(predictions, "value", value)
        for value in (1.5, -0.1, float("nan"), float("inf"))
    },
    "a probability of 1.5 that a stage writes": partial(predictions, "write", 1.5),
    "predictions of other images": partial(predictions, "images"),
    "predictions of another model": partial(predictions, "model"),
    "predictions of older code, which name no model": partial(predictions, "older code"),
    "development metrics of another model": partial(metrics, {"0": MARKS}, {"0": dict.fromkeys(MARKS)}),
    "development metrics without a seed": partial(metrics, {"0": MARKS, "7": MARKS}, {"0": MARKS}),
    "development metrics of older code": partial(metrics, {"0": MARKS}, {}),
    **{
        f"a class weight of {value!r}": partial(weights, {"weights": {"Edema": 1, "Mass": value}})
        for value in (-1, 0, float("inf"), float("nan"), "2", None)
    },
    "class weights of other seeds": partial(
        weights, {"seeds": {"0": {"weights": {}}, "1": {"weights": {}}}}, 7
    ),
    **{f"a text encoder in {place}": partial(text_encoder, place) for place in (*PLACES, f"{TEXT}/none")},
    **{
        f"a text encoder in {TEXT}/{place}, and a link, {link}": partial(
            text_encoder, f"{TEXT}/{place}", link
        )
        for link, place in LINKS.items()
    },
    **{f"row {value} of an array of three": partial(row, value) for value in (-1, 3, 1000)},
}
