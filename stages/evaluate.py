"""Score one variant on the development set, without test-time augmentation.

Usage: python -m stages.evaluate <variant>
"""

import pandas as pd

from cxrlt_core.device import open_device
from cxrlt_core.files import write_json, write_text
from cxrlt_core.inference import predict
from cxrlt_core.metrics import summarise
from cxrlt_core.params import Params
from stages.common import run_stage
from stages.models import load_model
from stages.pixels import open_images
from stages.predictions import write_predictions
from stages.sets import read_groups, read_set


def main(params: Params, name: str) -> None:
    """Write predictions/dev/<variant>.parquet and metrics/dev/<variant>.{json,csv}."""
    device = open_device(params.compute.device, params.compute.threads)
    data = read_set("dev")
    model = load_model(name)
    probabilities = predict(
        model.network,
        open_images(params, data).resident(device),
        model.pixels,
        device,
        params.train.precision,
        params.compute.batch_size,
    )
    write_predictions(f"predictions/dev/{name}.parquet", data, probabilities)
    metrics = summarise(data.targets, probabilities, data.classes, read_groups())
    write_json(f"metrics/dev/{name}.json", metrics)
    per_class = pd.DataFrame.from_dict(metrics["classes"], orient="index").rename_axis("class")
    write_text(f"metrics/dev/{name}.csv", per_class.to_csv(float_format="%.4f"))


if __name__ == "__main__":
    run_stage(main)
