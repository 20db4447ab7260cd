"""Score one variant on the development set, without test-time augmentation, once per training seed.

Usage: python -m stages.evaluate <variant>
"""

from collections.abc import Mapping

import numpy as np

from cxrlt_core.metrics.calibration import calibrate, calibrate_on_itself
from cxrlt_core.metrics.scores import average_precision, describe_scores, point_metrics
from cxrlt_core.params.schema import Params
from cxrlt_core.prediction.inference import predict
from cxrlt_core.system.device import open_device
from cxrlt_core.system.distributed import open_ranks
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import score_text, task
from cxrlt_core.system.rounding import or_none
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.models import load_model
from stages.artifacts.paths import dev_path
from stages.artifacts.predictions import by_study, write_predictions
from stages.artifacts.sets import LabelledSet, read_groups, read_set


def main(params: Params, name: str) -> None:
    """Write predictions/dev/<variant>/<seed>.parquet and metrics/dev/<variant>.json."""
    device, data = open_device(params.compute.device, params.compute.threads), read_set("dev")
    precision, batch_size = params.train.precision, params.compute.batch_size
    with open_ranks(device) as ranks:
        images, found = open_images(data, params.image), {}
        for seed in params.train.seeds:
            model = load_model(name, seed)
            with task(f"{name}, seed {seed}, dev"):
                [found[seed]] = predict(
                    model.network, images, model.config.pixels, device, precision, batch_size, ranks=ranks
                )
        if ranks.leads:
            for seed, probabilities in found.items():
                write_predictions(dev_path(name, seed), data, probabilities)
            write_metrics(name, data, found, params.study.aggregate)


def write_metrics(name: str, data: LabelledSet, found: Mapping[int, np.ndarray], rule: str) -> None:
    """Write the metrics of every seed, and their means."""
    groups, summaries, classes, fits = read_groups(), {}, [], {}
    for seed, probabilities in found.items():
        scored = by_study(data, probabilities, rule)
        own = calibrate_on_itself(data.targets, scored, data.table["patient_id"])
        summaries[seed], per_class = point_metrics(data.targets, scored, own, data.classes, groups)
        classes.append(per_class)
        fits[str(seed)] = calibrate(data.targets, scored).to_json(data.classes)
    averaged = {metric: np.mean([one[metric] for one in classes], axis=0) for metric in classes[0]}
    # Reweighting acts on images, so its feedback is per image however the tables are scored.
    image_ap = {seed: average_precision(data.targets, one) for seed, one in found.items()}
    metrics = {
        **plain({key: np.mean([one[key] for one in summaries.values()]) for key in summaries[seed]}),
        "images": len(data.targets),
        "classes": describe_scores(data.targets, averaged, data.classes, groups),
        "image_AP": {str(seed): per_class_numbers(data, values) for seed, values in image_ap.items()},
        "seeds": {str(seed): plain(summary) for seed, summary in summaries.items()},
        "calibration": fits,
    }
    write_json(f"metrics/dev/{name}.json", metrics)
    print(f"{name}: development mAP {score_text(metrics['mAP'])}")


def per_class_numbers(data: LabelledSet, values: np.ndarray) -> dict[str, float | None]:
    """Return a number of each class, (C,), as JSON wants them."""
    return plain(dict(zip(data.classes, values, strict=True)))


def plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON wants them."""
    return {key: or_none(float(value)) for key, value in values.items()}


if __name__ == "__main__":
    run_stage(main, launcher="evaluate")
