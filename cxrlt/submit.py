"""Write a submission to the CXR-LT 2023 challenge: dicom_id and 26 probabilities, as CSV or zip."""

import argparse
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
    from cxrlt_core.prediction.study_level import aggregate
    from cxrlt_core.serving.submission import submission, write_submission
    from cxrlt_core.sources.mimic import read_list

    if options.out.suffix not in (".zip", ".csv"):
        raise StudyError(f"--out {options.out}: expected a name that ends in .zip or .csv")
    listed = read_list(options.list)
    predictor = open_predictor(folder_of(options), options)
    paths, views = [options.images / path for path in listed["path"]], views_of(options, predictor)
    submission([], predictor.classes, [])  # says before hours of work whether the classes are all there
    predictions = predictor.predict(paths, views, options.batch_size, options.threads)
    if predictions.rejected:
        path, why = next(iter(predictions.rejected.items()))
        raise StudyError(
            f"{path}: {why}; {len(predictions.rejected)} of {len(paths)} images cannot be read, expected all"
        )
    probabilities = aggregate(
        predictions.probabilities, listed["study_id"], listed["view"], options.aggregate
    )
    write_submission(options.out, submission(listed["dicom_id"], predictor.classes, probabilities))
    print(f"{options.out}: {len(paths)} images")
    return 0
