"""Score one variant on the development set, without test-time augmentation, once per training seed.

Usage: python -m stages.evaluate <variant>
"""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from cxrlt_core.designs import PREDICTION
from cxrlt_core.metrics.calibration import calibrate, calibrate_on_itself
from cxrlt_core.metrics.scores import average_precision, describe_scores, point_metrics
from cxrlt_core.params.schema import Params
from cxrlt_core.prediction.inference import Scorer, posthoc, predict
from cxrlt_core.study.variants import designs_of, resolved
from cxrlt_core.system.device import open_device
from cxrlt_core.system.distributed import open_ranks
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import score_text, task
from cxrlt_core.system.rounding import or_none
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.models import load_trained
from stages.artifacts.paths import dev_path, metrics_path, seconds_path
from stages.artifacts.predictions import by_study, write_predictions
from stages.artifacts.sets import LabelledSet, read_groups, read_set
from stages.artifacts.trained import trained_marks


def main(params: Params, name: str) -> None:
    """Write predictions/dev/<variant>/<seed>.parquet, metrics/dev/<variant>.json, and what time it took."""
    device, data = open_device(params.compute.device, params.compute.threads), read_set("dev")
    designs, image = designs_of(params, name, PREDICTION), resolved(params, name).image
    with open_ranks(device) as ranks:
        images, predictions, models, seconds = open_images(data, params, image), {}, {}, {}
        for seed in params.train.seeds:
            models[seed], model = trained_marks(name, seed), load_trained(name, seed)
            with task(f"{name}, seed {seed}, dev"):
                began, size = perf_counter(), params.compute.batch_size
                [probabilities] = predict(Scorer.of(model), images, device, size, ranks=ranks)
                seconds[str(seed)] = round(perf_counter() - began, 4)
            predictions[seed] = posthoc(designs, data.classes, probabilities)
        if ranks.is_main:
            for seed, probabilities in predictions.items():
                write_predictions(dev_path(name, seed), data, probabilities, models[seed])
            metrics = metrics_of(data, predictions, params.study.aggregate)
            write_json(metrics_path(name), metrics | {"models": models})
            write_json(seconds_path(name), {"images": len(data.targets), "seconds": seconds})
            print(f"{name}: development mAP {score_text(metrics['mAP'])}")


def metrics_of(data: LabelledSet, predictions: Mapping[int, np.ndarray], rule: str) -> dict[str, Any]:
    """Return the metrics of every seed, and their means."""
    groups, summaries, per_class, fits, image_ap = read_groups(), {}, [], {}, {}
    for seed, probabilities in predictions.items():
        scores = by_study(data, probabilities, rule)
        fit = calibrate_on_itself(data.targets, scores, data.table["patient_id"])
        summaries[str(seed)], values = point_metrics(data.targets, scores, fit, data.classes, groups)
        per_class.append(values)
        fits[str(seed)] = calibrate(data.targets, scores).to_json(data.classes)
        # Reweighting acts on images, so its feedback is per image however the tables are scored.
        ap = average_precision(data.targets, probabilities)
        image_ap[str(seed)] = plain(dict(zip(data.classes, ap, strict=True)))
    averaged = {metric: np.mean([seed[metric] for seed in per_class], axis=0) for metric in values}
    means = plain(
        {mean: np.mean([seed[mean] for seed in summaries.values()]) for mean in summaries[str(seed)]}
    )
    return {
        **means,
        "images": len(data.targets),
        "classes": describe_scores(data.targets, averaged, data.classes, groups),
        "image_AP": image_ap,
        "seeds": {seed: plain(summary) for seed, summary in summaries.items()},
        "calibration": fits,
    }


def plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON wants them."""
    return {key: or_none(float(value)) for key, value in values.items()}


if __name__ == "__main__":
    run_stage(main, launcher="evaluate")
