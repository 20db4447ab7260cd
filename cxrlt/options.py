"""Options that several sub-commands share, and what they open."""

import argparse
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxrlt.study import StudyFolder, find_folder

if TYPE_CHECKING:
    from cxrlt_core.serving.predictor import Predictor

WRITABLE = 0o222  # any of a file's bits of writing; to root all files seem so


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--ensemble``, of which one is to be given."""
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--model", metavar="FOLDER", help="models/<variant>/<seed>, or <variant>/<seed>")
    chosen.add_argument("--ensemble", metavar="FOLDER", help="ensembles/<row>/<seed>, or <row>")


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add where and how the models run."""
    positive = partial(at_least, 1)
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.add_argument(
        "--threads", type=positive, default=len(os.sched_getaffinity(0)), help="default: all cores"
    )
    parser.add_argument("--batch-size", type=positive, default=64, help="images a step (default: 64)")


def add_views(parser: argparse.ArgumentParser) -> None:
    """Add ``--tta``."""
    text = "random views an image to average; default: 0 for a model, those of its study for an ensemble"
    parser.add_argument("--tta", type=partial(at_least, 0), metavar="VIEWS", help=text)


def folder_of(options: argparse.Namespace) -> Path:
    """Return the folder that ``--model`` or ``--ensemble`` names."""
    if options.model is not None:
        return find_folder("model", options.model)
    return find_folder("ensemble", options.ensemble)


def open_predictor(folder: Path, options: argparse.Namespace) -> "Predictor":
    """Load a folder; a model within its study with the thresholds that the study has found."""
    from cxrlt_core.metrics.calibration import Calibration
    from cxrlt_core.serving.loading import load_model

    predictor, study = load_model(folder, options.device, options.threads), StudyFolder(folder)
    if predictor.note:
        print(f"note: {predictor.note}", file=sys.stderr)
    if not study.is_ensemble and (content := study.calibration()):
        return replace(predictor, calibration=Calibration.from_json(content, predictor.classes))
    return predictor


def views_of(options: argparse.Namespace, predictor: "Predictor") -> int:
    """Return how many views to average."""
    if options.tta is not None:
        return options.tta
    return 0 if options.model is not None else predictor.tta.views


def new_file(text: str) -> Path:
    """Read the name of a file to write; said before the work is done that it would be lost."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder, expected a file")
    if path.exists() and not path.is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is a device or a pipe, expected a file")
    if path.exists() and not (path.stat().st_mode & WRITABLE and os.access(path, os.W_OK)):
        raise argparse.ArgumentTypeError(f"{text!r} is read-only, expected a new file or one that may change")
    parent = path.absolute().parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{str(path.parent)!r} is no folder that can be written to")
    return path


def new_folder(text: str) -> Path:
    """Read the name of a folder to make; one that is there must be empty: nothing is mixed or lost."""
    path = Path(text)
    if not path.name or (path.exists() and not path.is_dir()):
        raise argparse.ArgumentTypeError(f"{text!r}: expected the name of a new folder")
    if path.is_dir() and any(path.iterdir()):
        raise argparse.ArgumentTypeError(f"{text!r} is not empty, expected a new folder")
    return path


def at_least(least: int, text: str) -> int:
    """Read a whole number that is not less."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
    return int(text)
