"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

import numpy as np

from cxrlt_core.bootstrap import patient_draws
from cxrlt_core.calibration import best_thresholds
from cxrlt_core.contrasts import find_pairs, judge, to_json
from cxrlt_core.device import open_device
from cxrlt_core.ensemble import Choice, ensemble
from cxrlt_core.files import write_json
from cxrlt_core.metrics import average_precision, mean_defined
from cxrlt_core.params import Params, Table2Row
from cxrlt_core.rounding import rounded
from cxrlt_core.scoring import difference, score, table_metrics
from cxrlt_core.tables import ensemble_design
from stages.common import run_stage
from stages.predictions import read_predictions, write_predictions
from stages.seeds import make_seed_folder, seed_paths
from stages.sets import LabelledSet, read_groups, read_set


def main(params: Params) -> None:
    """Write metrics/ensemble.json and predictions/ensemble/<row>.parquet, and those of further seeds."""
    device = open_device(params.compute.device, params.compute.threads)
    dev, test, settings = read_set("dev"), read_set("test"), params.bootstrap
    draws = patient_draws(test.table["patient_id"], settings.resamples, settings.seed)
    on_dev = patient_draws(dev.table["patient_id"], settings.resamples, settings.seed)
    choices = {
        replenished: [
            Choice(
                dev.targets,
                stack(params, members(params, replenished), dev, seed),
                on_dev,
                params.ensemble,
                device,
            )
            for seed in params.train.seeds
        ]
        for replenished in {row.replenished for row in params.table2}
    }
    rows, scores = {}, {}
    for row in params.table2:
        names, chosen = members(params, row.replenished), choices[row.replenished]
        weights = [choice.weights(row.method) for choice in chosen]
        combined = [ensemble(choice.predictions, w) for choice, w in zip(chosen, weights, strict=True)]
        on_test = predict_test(params, row, names, weights, test)
        thresholds = [best_thresholds(dev.targets, one) for one in combined]
        scored = score(
            test.targets, on_test, thresholds, test.classes, read_groups(), draws, settings.seed, device
        )
        scores[row.name] = scored
        stability = np.mean([choice.stability for choice in chosen], axis=0)
        rows[row.name] = {
            "metrics": table_metrics(scored, settings.level),
            "errors": {name: rounded(one.standard_error) for name, one in scored.means.items()},
            "difference": difference(scored, scores[params.table2[0].name], settings.level),
            "seeds": [rounded(point) for point in scored["mAP"].points],
            # optimistic where it chose the models
            "dev_mAP": rounded(
                np.mean([mean_defined(average_precision(dev.targets, one)) for one in combined])
            ),
            "models": names,
            "weights": dict(zip(dev.classes, np.mean(weights, axis=0).T.tolist(), strict=True)),
            "stability": dict(zip(dev.classes, map(rounded, stability), strict=True)),
            "classes": scored.classes,
        }
    published = {row.name: row.published for row in params.table2}
    steps = [name for name, figure in published.items() if figure is not None]
    pairs = find_pairs({row.name: ensemble_design(row) for row in params.table2}, steps)
    contrasts = to_json(judge(pairs, [], scores, published, settings.level))
    write_json("metrics/ensemble.json", {"images": len(test.table), "rows": rows, "contrasts": contrasts})


def members(params: Params, replenished: bool) -> list[str]:
    """Return the variants that an ensemble averages."""
    return [n for n, v in params.variants.items() if replenished or v.data == "primary"]


def stack(params: Params, models: list[str], data: LabelledSet, seed: int) -> np.ndarray:
    """Read the TTA predictions of the models of a seed, float32 (M, N, C)."""
    folders = [seed_paths(params, f"predictions/tta/{model}")[seed] for model in models]
    rule = params.study.aggregate
    return np.stack([read_predictions(f"{folder}/{data.name}.parquet", data, rule) for folder in folders])


def predict_test(
    params: Params, row: Table2Row, models: list[str], weights: list[np.ndarray], test: LabelledSet
) -> list[np.ndarray]:
    """Combine and write the test predictions of every seed, float (N, C) each."""
    place = f"predictions/ensemble/{row.name}"
    make_seed_folder(place)
    combined = []
    for (seed, path), its in zip(seed_paths(params, place).items(), weights, strict=True):
        combined.append(ensemble(stack(params, models, test, seed), its))
        write_predictions(f"{path}.parquet", test, combined[-1])
    return combined


if __name__ == "__main__":
    run_stage(main)
