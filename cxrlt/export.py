"""Write a folder to pass on: the model or ensemble, an ONNX graph and a model card."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxrlt.options import add_machine, add_model, folder_of, new_folder, open_predictor
from cxrlt.study import StudyFolder

if TYPE_CHECKING:
    from cxrlt_core.serving.predictor import Predictor

RANDOM, SHOWN = 8, 32  # images that the graph is checked on: noise, and at most so many files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_model(parser)
    parser.add_argument("--out", type=new_folder, required=True, metavar="FOLDER", help="new folder")
    parser.add_argument("--no-onnx", action="store_true", help="leave the graph out")
    text = "images to check the graph with, beside noise"
    parser.add_argument("--check", nargs="+", default=[], metavar="IMAGES", help=text)
    add_machine(parser)


def run(options: argparse.Namespace) -> int:
    """Write the folder; say how far the graph is from PyTorch."""
    from cxrlt_core.serving.loading import write_portable
    from cxrlt_core.serving.model_card import model_card
    from cxrlt_core.system.atomic import atomic_folder
    from cxrlt_core.system.files import write_text

    folder = folder_of(options)
    predictor, study = open_predictor(folder, options), StudyFolder(folder)
    with atomic_folder(options.out) as out:
        lines = [] if options.no_onnx else [export_graph(predictor, out / "model.onnx", options)]
        write_portable(folder, predictor.calibration, out)
        card = model_card(f"{study.name}, seed {study.seed}", predictor, study.known(), lines)
        write_text(out / "README.md", card)
    print("\n".join([*lines, f"{options.out}: written"]))
    return 0


def export_graph(predictor: "Predictor", path: Path, options: argparse.Namespace) -> str:
    """Write the graph and check it; return a line about it."""
    from cxrlt_core.serving.image_files import decoded, find_images
    from cxrlt_core.serving.onnx_graph import OPSET, export_onnx, onnx_difference

    generator, squares = np.random.default_rng(0), predictor.geometries
    export_onnx(predictor, path)
    noise = [generator.integers(0, 256, (RANDOM, 1, *square.shape), dtype=np.uint8) for square in squares]
    files = find_images(options.check)[:SHOWN] if options.check else []
    shown = zip(*(decoded(files, square, options.threads) for square in squares), strict=True)
    shown = [images for images in shown if isinstance(images[0], np.ndarray)]
    given = [np.stack(images)[:, None] for images in zip(*shown, strict=True)]
    difference = onnx_difference(predictor, path, [noise, given] if shown else [noise])
    inputs = " and ".join(f"(B, 1, {square.size}, {square.size})" for square in squares)
    about = f"model.onnx: opset {OPSET}, images uint8 {inputs} to probabilities"
    if difference is None:
        return f"{about}; not checked, onnxruntime is not installed"
    on = f"{RANDOM} random and {len(shown)} given images"
    return f"{about}; at most {difference:.1e} from PyTorch on {on}"
