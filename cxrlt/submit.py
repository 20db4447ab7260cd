"""Write a submission to a CXR-LT challenge: an id and a probability for each class, as CSV or zip."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from cxrlt.options import add_machine, add_model, add_views, folder_of, new_file, open_predictor, views_of
from cxrlt_core.system.errors import StudyError

#: Of these and what they ask for cxrlt_core.serving.submission knows, which is imported late.
CHALLENGES = ("2023", "2024-1", "2024-2", "2024-3", "2026-1", "2026-2")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    text = "the challenge's list of images, such as test.csv"
    parser.add_argument("list", type=Path, metavar="LIST", help=text)
    text = "holds files/p10/…; of 2026, PadChest's images"
    parser.add_argument("--images", type=Path, required=True, metavar="FOLDER", help=text)
    text = "year and task of the challenge (default: 2023)"
    parser.add_argument("--challenge", choices=CHALLENGES, default="2023", help=text)
    add_model(parser)
    parser.add_argument(
        "--out", type=new_file, required=True, metavar="ZIP", help="submission.zip, or a .csv"
    )
    rules = ("none", "mean", "view_weighted")
    text = "give every image the mean of its study (default: none)"
    parser.add_argument("--aggregate", choices=rules, default="none", help=text)
    add_views(parser)
    add_machine(parser)


def run(options: argparse.Namespace) -> int:
    """Predict the images of the list and write the submission."""
    import numpy as np

    from cxrlt_core.packing.files import find_files
    from cxrlt_core.prediction.study_level import aggregate
    from cxrlt_core.serving.submission import CHALLENGES, submission, write_submission
    from cxrlt_core.sources import cxrlt2026, mimic

    if options.out.suffix not in (".zip", ".csv"):
        raise StudyError(f"--out {options.out}: expected a name that ends in .zip or .csv")
    reader = mimic if CHALLENGES[options.challenge].id == "dicom_id" else cxrlt2026
    listed = reader.read_list(options.list)
    predictor = open_predictor(folder_of(options), options)
    # what is wrong with the list is said before hours of work
    none = np.zeros((len(listed), len(predictor.classes)))
    submission(listed["id"], predictor.classes, none, options.challenge)
    found = find_files(listed["path"].tolist(), options.images, reader.IMAGE_FOLDERS)
    images = [Path(f or options.images / path) for f, path in zip(found, listed["path"], strict=True)]
    files = list(dict.fromkeys(images))  # two ids may share one
    refuse({path: "no such file" for path in files if not path.is_file()}, files)
    views = views_of(options, predictor)
    predictions = predictor.predict_files(files, views, options.batch_size, options.threads)
    refuse(predictions.rejected, files)
    row = {path: number for number, path in enumerate(predictions.paths)}
    probabilities = predictions.probabilities[[row[path] for path in images]]
    probabilities = aggregate(probabilities, listed["study_id"], listed["view"], options.aggregate)
    table = submission(listed["id"], predictor.classes, probabilities, options.challenge)
    write_submission(options.out, table)
    print(f"{options.out}: {len(images)} images")
    return 0


def refuse(rejected: Mapping[Path, str], files: Sequence[Path]) -> None:
    """Raise StudyError for the first file that cannot be read, if there is one."""
    for path, why in rejected.items():
        count = f"{len(rejected)} of {len(files)} images cannot be read, expected all"
        raise StudyError(f"{path}: {why}; {count}")
