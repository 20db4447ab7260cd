"""Write the probability, the threshold and yes or no of every finding in image files."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxrlt.options import add_machine, add_model, add_views, folder_of, new_file, open_predictor, views_of
from cxrlt.study import StudyFolder
from cxrlt_core.system.errors import StudyError, meant
from cxrlt_core.system.files import write_text

if TYPE_CHECKING:
    import numpy as np

    from cxrlt_core.serving.predictor import Predictor, Watcher


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    text = "PNG, JPEG or DICOM files, folders of them, patterns"
    parser.add_argument("images", nargs="+", metavar="IMAGES", help=text)
    add_model(parser)
    parser.add_argument(
        "--out", type=new_file, metavar="CSV", help="a row an image and finding; default: standard output"
    )
    parser.add_argument(
        "--wide", action="store_true", help="a row an image and a column a class, of probabilities alone"
    )
    text = "labels that the model was never trained on, zero-shot; needs a model with a shared classifier"
    parser.add_argument("--labels", metavar="A,B", help=text)
    add_views(parser)
    parser.add_argument(
        "--attention", metavar="FOLDER", type=Path, help="write a PNG of where the model looks"
    )
    parser.add_argument("--findings", metavar="A,B", help="for which (default: for those that are a yes)")
    add_machine(parser)


def run(options: argparse.Namespace) -> int:
    """Predict; return 1 when a file could not be read."""
    from cxrlt_core.serving.image_files import find_images

    paths = find_images(options.images)
    check_names(paths)
    folder = folder_of(options)
    predictor, watch = open_predictor(folder, options), None
    if options.labels is not None:
        predictor = asked(predictor, folder, options)
    if options.attention is not None:
        watch = painter(predictor, options.attention, wanted(options.findings, predictor.classes))
    elif options.findings is not None:
        raise StudyError("--findings: chooses attention maps; expected --attention FOLDER with it")
    if not predictor.calibration.known:
        print("no thresholds known, the columns threshold and present stay empty", file=sys.stderr)
    for other in predictor.other_decoders:
        print(f"probabilities may differ from the study's, whose decoder was {other}", file=sys.stderr)
    views = views_of(options, predictor)
    predictions = predictor.predict_files(paths, views, options.batch_size, options.threads, watch)
    table = predictions.wide() if options.wide else predictions.table()
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    if options.out is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_text(options.out, text)
    for path, why in predictions.rejected.items():
        print(f"skipped {path}: {why}", file=sys.stderr)
    return 1 if predictions.rejected else 0


def asked(predictor: "Predictor", folder: Path, options: argparse.Namespace) -> "Predictor":
    """Return the model with the labels of ``--labels``, and say of each how much the trained ones express."""
    from cxrlt_core.model.zero_shot import check_shared
    from cxrlt_core.serving.zero_shot import with_labels

    if options.ensemble is not None:
        raise StudyError("--labels: an ensemble has no zero-shot labels; expected --model")
    if options.attention is not None:
        raise StudyError("--labels: there are no attention maps of zero-shot labels; leave --attention out")
    labels = [" ".join(name.split()) for name in options.labels.split(",")]
    try:
        check_shared(predictor.members[0].network)
        encoder = StudyFolder(folder).text_encoder(predictor.members[0].config.text)
        predictor = with_labels(predictor, labels, encoder)
    except StudyError as error:
        raise StudyError(f"--labels: {error}") from None
    for note in predictor.zero_shot_notes:
        print(f"note: {note}", file=sys.stderr)
    return predictor


def check_names(paths: Sequence[Path]) -> None:
    """Raise StudyError for the first name that no CSV file can hold: before hours of work, not after."""
    for name in map(os.fsencode, paths):
        if b"\r" in name or name.decode(errors="ignore").encode() != name:
            raise StudyError(f"{name}: expected a name in UTF-8, without carriage returns; rename the file")


def wanted(findings: str | None, classes: Sequence[str]) -> list[int] | None:
    """Return the numbers of the classes that are named, None where none are; StudyError for an unknown."""
    if findings is None:
        return None
    names = [name.strip() for name in findings.split(",")]
    for name in names:
        if name not in classes:
            expected = meant(name, classes) or f"; expected some of {', '.join(classes)}"
            raise StudyError(f"--findings: no finding {name!r}{expected}")
    return [list(classes).index(name) for name in names]


def painter(predictor: "Predictor", folder: Path, chosen: list[int] | None) -> "Watcher":
    """Return what writes the attention maps of a batch: those chosen, or of each image its yeses."""
    import numpy as np
    import torch

    from cxrlt_core.serving.overlay import overlay, write_overlay

    if chosen is None and not predictor.calibration.known:
        raise StudyError("--attention: no thresholds known, so nothing is a yes; expected --findings A,B")

    def paint(paths: Sequence[Path], squares: "Sequence[np.ndarray]", probabilities: "np.ndarray") -> None:
        maps = predictor.attention(list(map(torch.from_numpy, squares)))
        images = max(squares, key=lambda pixels: pixels.shape[-1])
        present = predictor.calibration.present(probabilities) == "yes"
        for number, path in enumerate(paths):
            for c in chosen or np.flatnonzero(present[number]):
                write_overlay(folder, path, predictor.classes[c], overlay(images[number, 0], maps[number, c]))

    return paint
