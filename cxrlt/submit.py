"""Write a submission to the CXR-LT 2023 challenge: dicom_id and 26 probabilities, as CSV or zip."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from cxrlt.options import add_machine, add_model, add_views, folder_of, new_file, open_predictor, views_of
from cxrlt_core.system.errors import StudyError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    text = "the challenge's list of images, such as test.csv"
    parser.add_argument("list", type=Path, metavar="LIST", help=text)
    parser.add_argument("--images", type=Path, required=True, metavar="FOLDER", help="holds files/p10/…")
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

    from cxrlt_core.prediction.study_level import aggregate
    from cxrlt_core.serving.submission import submission, write_submission
    from cxrlt_core.sources.mimic import read_list

    if options.out.suffix not in (".zip", ".csv"):
        raise StudyError(f"--out {options.out}: expected a name that ends in .zip or .csv")
    listed = read_list(options.list)
    predictor = open_predictor(folder_of(options), options)
    # what is wrong with the list is said before hours of work
    submission(listed["dicom_id"], predictor.classes, np.zeros((len(listed), len(predictor.classes))))
    images = [options.images / path for path in listed["path"]]
    files = list(dict.fromkeys(images))  # two ids may share one
    refuse({path: "no such file" for path in files if not path.is_file()}, files)
    views = views_of(options, predictor)
    predictions = predictor.predict_files(files, views, options.batch_size, options.threads)
    refuse(predictions.rejected, files)
    row = {path: number for number, path in enumerate(predictions.paths)}
    probabilities = predictions.probabilities[[row[path] for path in images]]
    probabilities = aggregate(probabilities, listed["study_id"], listed["view"], options.aggregate)
    write_submission(options.out, submission(listed["dicom_id"], predictor.classes, probabilities))
    print(f"{options.out}: {len(images)} images")
    return 0


def refuse(rejected: Mapping[Path, str], files: Sequence[Path]) -> None:
    """Raise StudyError for the first file that cannot be read, if there is one."""
    for path, why in rejected.items():
        count = f"{len(rejected)} of {len(files)} images cannot be read, expected all"
        raise StudyError(f"{path}: {why}; {count}")
