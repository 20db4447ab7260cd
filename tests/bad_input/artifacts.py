"""Calls of stages and files between them, through the functions of :mod:`stages.artifacts`."""

import json
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pandas as pd

from cxrlt_core.labels import CLASSES
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import (
    read_json,
    read_parquet,
    read_parquet_metadata,
    write_parquet,
    write_text,
)
from cxrlt_core.system.tensors import read_tensor_metadata, read_tensors
from stages import harmonize, settings, split, train
from stages.artifacts import arrays, border
from stages.artifacts.predictions import read_predictions, write_predictions
from stages.artifacts.sets import read_set
from stages.artifacts.weights import read_weights
from tests.bad_input.case import Case
from tests.bad_input.params import SMOKE

Attempt = Callable[[Path], object]
DEV, PREDICTIONS, WEIGHTS = "data/sets/dev.parquet", "predictions/dev/a/0.parquet", "weights/main.json"
DAMAGE = {
    "empty": b"",
    "text": b"no such thing",
    "zeros": b"\0" * 64,
    "bytes that are no text": b"\xff\xfe" * 40,
}
READERS = {
    "a JSON file": (read_json, "JSON"),
    "a Parquet file": (read_parquet, "Parquet"),
    "a Parquet file whose metadata are asked for": (read_parquet_metadata, "Parquet"),
    "a safetensors file": (read_tensors, "safetensors"),
    "a safetensors file whose metadata are asked for": (read_tensor_metadata, "safetensors"),
}


def damaged(read: Callable[[Path], object], content: bytes) -> Attempt:
    """Read a file of some content."""

    def attempt(folder: Path) -> None:
        (folder / "x").write_bytes(content)
        read(folder / "x")

    return attempt


def torn(folder: Path) -> None:
    """Read a table whose end is missing."""
    write_parquet(folder / "x.parquet", pd.DataFrame({"a": range(1000)}))
    (folder / "x.parquet").write_bytes((folder / "x.parquet").read_bytes()[:-20])
    read_parquet(folder / "x.parquet")


def narrow(folder: Path) -> None:
    """Read a column that a table has not."""
    write_parquet(folder / "x.parquet", pd.DataFrame({"a": range(3)}))
    read_parquet(folder / "x.parquet", ["a", "b"])


def write_dev(**columns: object) -> None:
    """Write three images of a development set with two classes, and other columns in place of their own."""
    table = pd.DataFrame({"image_id": list("abc"), "study_id": list("abc"), "patient_id": list("abc")})
    table = table.assign(view="PA", source="nih", row=[0, 1, 2])
    labels = {"Edema": np.array([1, 0, -1], np.int8), "Mass": np.array([0, 0, 1], np.int8)}
    write_parquet(DEV, table.assign(**labels | columns), {"fingerprints": '{"nih": "x"}'})


def label(value: float) -> Attempt:
    """Read a development set with a label of some value."""

    def attempt(folder: Path) -> None:
        with chdir(folder):
            write_dev(Mass=[0, 0, value])
            read_set("dev")

    return attempt


def label_of_a_source(folder: Path) -> None:
    """Split a table of labels that holds a 7."""
    with chdir(folder):
        write_parquet("data/labels/nih.parquet", pd.DataFrame({name: [0, 7] for name in CLASSES}))
        split.packed_labels("nih")


def probability(value: float) -> Attempt:
    """Read predictions with a probability of some value."""

    def attempt(folder: Path) -> None:
        with chdir(folder):
            write_dev()
            data = read_set("dev")
            write_predictions(PREDICTIONS, data, np.full((3, 2), 0.5))
            write_parquet(PREDICTIONS, read_parquet(PREDICTIONS).assign(Edema=[0.5, 0.5, value]))
            read_predictions(PREDICTIONS, data, "none")

    return attempt


def unwritten(value: float) -> Attempt:
    """Write predictions with a probability of some value."""

    def attempt(folder: Path) -> None:
        with chdir(folder):
            write_dev()
            write_predictions(PREDICTIONS, read_set("dev"), np.array([[0, 0], [0, 0], [value, 0]]))

    return attempt


def other_images(folder: Path) -> None:
    """Read predictions of a set that is another one by now."""
    with chdir(folder):
        write_dev()
        write_predictions(PREDICTIONS, read_set("dev"), np.full((3, 2), 0.5))
        write_dev(image_id=list("abd"))
        read_predictions(PREDICTIONS, read_set("dev"), "none")


def weights(content: object, seed: int = 0) -> Attempt:
    """Read class weights of some content."""

    def attempt(folder: Path) -> None:
        with chdir(folder):
            write_text(WEIGHTS, json.dumps(content))
            read_weights("main", seed)

    return attempt


def row(value: int) -> Attempt:
    """Open the images of a set, one of which is said to lie in some row of an array of three."""

    def attempt(folder: Path) -> None:
        with chdir(folder), patch.object(arrays, "run_again"):
            Path("s").mkdir()
            np.save("s/nih-16-squash.npy", np.zeros((3, 16, 16), np.uint8))
            write_parquet("s/nih-16-squash.record.parquet", pd.DataFrame({"digest": ["shade 0"] * 3}))
            write_dev(row=[0, 1, value], digest="shade 0")
            arrays.open_images(read_set("dev"), SimpleNamespace(store="s", size=16, fit="squash"))

    return attempt


def called(main: Callable[..., None], *words: str) -> Attempt:
    """Call a stage of the smoke study with some words."""

    def attempt(_: Path) -> None:
        with patch.object(sys, "argv", ["stage", *words]):
            border.check_arguments(main)
            border.check_item(main, parse_params(SMOKE))

    return attempt


CASES = [
    Case(
        "a stage without its argument",
        called(train.main),
        "expected 1 arguments, found 0; python -m stages.train <name>",
    ),
    Case(
        "a stage with an argument too many",
        called(settings.main, "a"),
        "expected 0 arguments, found 1; python -m stages.settings",
    ),
    Case(
        "a source that is none",
        called(harmonize.main, "vindr"),
        "data.sources.vindr: missing key, found mimic, nih, chexpert",
    ),
    *(
        Case(f"{file}: {what}", damaged(read, content), f"x: not readable as {kind}: …")
        for file, (read, kind) in READERS.items()
        for what, content in DAMAGE.items()
    ),
    Case(
        "a table that is cut",
        torn,
        "x.parquet: not readable as Parquet: Could not open Parquet input source 'x.parquet': Parquet …",
    ),
    Case(
        "a table without a column",
        narrow,
        "x.parquet: not readable as Parquet: No match for FieldRef.Name(b) in a: int64; remove it and …",
    ),
    Case(
        "a file that is not there",
        lambda folder: read_json(folder / "x.json"),
        "x.json: no such file or folder",
    ),
    *(
        Case(
            f"a label of {value}",
            label(value),
            f"data/sets/dev.parquet: row 2: Mass: expected 1, 0 or -1, found {value}",
        )
        for value in (5, -2, 256, 0.5, float("nan"))
    ),
    Case(
        "a label of 7 in the table of a source",
        label_of_a_source,
        "data/labels/nih.parquet: row 1: Atelectasis: expected 1, 0 or -1, found 7",
    ),
    *(
        Case(
            f"a probability of {value}",
            probability(value),
            f"predictions/dev/a/0.parquet: row 2: Edema: expected a probability from 0 to 1, found {value}",
        )
        for value in (1.5, -0.1, float("nan"), float("inf"))
    ),
    Case(
        "a probability of 1.5 that a stage writes",
        unwritten(1.5),
        "predictions/dev/a/0.parquet: row 2: Edema: expected a probability from 0 to 1, found 1.5",
    ),
    Case(
        "predictions of other images",
        other_images,
        "predictions/dev/a/0.parquet: images or classes differ from those of the set; run dvc repro",
    ),
    *(
        Case(
            f"a class weight of {value!r}",
            weights({"weights": {"Edema": 1, "Mass": value}}),
            f"weights/main.json: Mass: expected a weight above 0, found {value!r}",
        )
        for value in (-1, 0, float("inf"), float("nan"), "2", None)
    ),
    Case(
        "class weights of other seeds",
        weights({"seeds": {"0": {"weights": {}}, "1": {"weights": {}}}}, 7),
        "weights/main.json: no weights of seed 7, found 0, 1",
    ),
    *(
        Case(
            f"row {value} of an array of three",
            row(value),
            "s/nih-16-squash.npy: not the array that its index describes, pack it again: dvc repro --force "
            "pack@nih",
        )
        for value in (-1, 3, 1000)
    ),
]
