"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

import numpy as np

from cxrlt_core.bootstrap import patient_draws
from cxrlt_core.ensemble import class_wise_weights, ensemble, model_wise_weights
from cxrlt_core.files import write_json
from cxrlt_core.metrics import average_precision, mean_defined
from cxrlt_core.params import Params, Table2Row
from cxrlt_core.scoring import difference, rounded, score, table_metrics
from stages.common import run_stage
from stages.predictions import read_predictions, write_predictions
from stages.sets import LabelledSet, read_groups, read_set


def main(params: Params) -> None:
    """Write metrics/ensemble.json and predictions/ensemble/<row>.parquet."""
    dev, test = read_set("dev"), read_set("test")
    level = params.bootstrap.level
    draws = patient_draws(test.table["patient_id"], params.bootstrap.resamples, params.bootstrap.seed)
    rows, first = {}, None
    for row in params.table2:
        models = [n for n, v in params.variants.items() if row.replenished or v.data == "primary"]
        on_dev, on_test = (stack(models, data, params.study.aggregate) for data in (dev, test))
        weights = choose(row, on_dev, dev, params.ensemble.top_k)
        combined = ensemble(on_test, weights)
        write_predictions(f"predictions/ensemble/{row.name}.parquet", test, combined)
        scored = score(test.targets, combined, test.classes, read_groups(), draws)
        first = first or scored
        dev_ap = average_precision(dev.targets, ensemble(on_dev, weights))
        rows[row.name] = {
            "metrics": table_metrics(scored, level),
            "errors": {name: rounded(scored.standard_error(name)) for name in scored.samples},
            "difference": [rounded(x) for x in difference(scored, first, level)],
            "dev_mAP": rounded(mean_defined(dev_ap)),  # optimistic where it chose the models
            "models": models,
            "weights": dict(zip(dev.classes, weights.T.tolist(), strict=True)),
            "classes": scored.summary["classes"],
        }
    write_json("metrics/ensemble.json", {"images": len(test.table), "rows": rows})


def stack(models: list[str], data: LabelledSet, rule: str) -> np.ndarray:
    """Read the TTA predictions of the models, float32 (M, N, C)."""
    paths = [f"predictions/tta/{model}/{data.name}.parquet" for model in models]
    return np.stack([read_predictions(path, data, rule) for path in paths])


def choose(row: Table2Row, on_dev: np.ndarray, dev: LabelledSet, top_k: int) -> np.ndarray:
    """Weights of the models per class, float (M, C); class-wise ones look at development data only."""
    if row.method == "model_wise":
        return model_wise_weights(len(on_dev), len(dev.classes))
    development_ap = np.stack([average_precision(dev.targets, model) for model in on_dev])
    return class_wise_weights(development_ap, top_k)


if __name__ == "__main__":
    run_stage(main)
