"""Score one variant on the development set, without test-time augmentation.

Usage: python -m stages.evaluate <variant>
"""

import numpy as np
import pandas as pd

from cxrlt_core.device import open_device
from cxrlt_core.distributed import open_ranks
from cxrlt_core.files import write_json, write_text
from cxrlt_core.inference import predict
from cxrlt_core.metrics import average_precision, or_none, summarise
from cxrlt_core.params import Params
from stages.common import run_stage
from stages.models import load_model
from stages.pixels import open_images
from stages.predictions import by_study, write_predictions
from stages.sets import LabelledSet, read_groups, read_set


def main(params: Params, name: str) -> None:
    """Write predictions/dev/<variant>.parquet and metrics/dev/<variant>.{json,csv}."""
    device = open_device(params.compute.device, params.compute.threads)
    data, model = read_set("dev"), load_model(name)
    with open_ranks(device) as ranks:
        images = open_images(params, data)
        precision, batch_size = params.train.precision, params.compute.batch_size
        [probabilities] = predict(
            model.network, images, model.pixels, device, precision, batch_size, ranks=ranks
        )
        if ranks.leads:
            write(params, name, data, probabilities)


def write(params: Params, name: str, data: LabelledSet, probabilities: np.ndarray) -> None:
    """Write predictions and metrics."""
    write_predictions(f"predictions/dev/{name}.parquet", data, probabilities)
    # Reweighting acts on images, so its feedback is per image however the tables are scored.
    image_ap = average_precision(data.targets, probabilities)
    scored = by_study(data, probabilities, params.study.aggregate)
    metrics = summarise(data.targets, scored, data.classes, read_groups())
    metrics["image_AP"] = dict(zip(data.classes, map(or_none, image_ap.tolist()), strict=True))
    write_json(f"metrics/dev/{name}.json", metrics)
    per_class = pd.DataFrame.from_dict(metrics["classes"], orient="index").rename_axis("class")
    write_text(f"metrics/dev/{name}.csv", per_class.to_csv(float_format="%.4f"))


if __name__ == "__main__":
    run_stage(main)
