"""Score models and ensembles, frozen, on one external set, beside their own test set.

Nothing is chosen here, and nothing that is trained or chosen depends on it.

Usage: python -m stages.external <external set>
"""

from collections.abc import Mapping

import numpy as np
import torch

from cxrlt_core.designs.ensemble import ensemble
from cxrlt_core.evidence.external import EXACT, LEAST, Comparison, ExternalResults, ExternalRow, Frozen
from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.evidence.subgroup_scores import score_kinds
from cxrlt_core.evidence.subgroups import groups_of
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import resolved, row_members
from cxrlt_core.system.device import open_device
from cxrlt_core.system.distributed import open_ranks
from cxrlt_core.system.files import read_json, write_json
from cxrlt_core.system.progress import score_text
from cxrlt_core.system.records import to_json
from stages.artifacts.border import run_stage
from stages.artifacts.external import open_external, read_external, read_frozen, read_own, trained_on
from stages.artifacts.paths import external_metrics, external_path, external_predictions
from stages.artifacts.predictions import by_study, write_predictions
from stages.artifacts.scoring import evaluation_set
from stages.artifacts.sets import LabelledSet, read_groups, read_set
from stages.artifacts.subgroups import told_rows
from stages.tta import predict_views

#: Variant to its predictions with each training seed, float32 (N, C), aggregated over studies.
Predicted = Mapping[str, Mapping[int, np.ndarray]]


def main(params: Params, name: str) -> None:
    """Write predictions/external/<name>/ and metrics/external/<name>.json."""
    test = read_set("test")
    data = read_external(name, test.classes)
    struck, predicted = trained_on(params, data), {}
    with open_ranks(open_device(params.compute.device, params.compute.threads)) as ranks:
        for variant in params.variants:
            if variant in struck:
                continue
            images = open_external(data, params, resolved(params, variant).image)
            predicted[variant] = {}
            for seed, marks, probabilities in predict_views(params, variant, data, images, ranks):
                predicted[variant][seed] = by_study(data, probabilities, params.study.aggregate)
                if ranks.is_main:
                    path = external_predictions(name, "models", variant, seed)
                    write_predictions(path, data, probabilities, marks)
        if ranks.is_main:
            results = score(params, data, test, struck, predicted, ranks.device)
            write_json(external_metrics(name), to_json(results))
            print(f"{name}: {in_a_line(results)}", flush=True)


def in_a_line(results: ExternalResults) -> str:
    """Say how the rows of Table 2 do on the classes that the set labels, and which are struck."""
    rows = results.ensembles.items()
    scores = [
        f"{name} {score_text(row.means[EXACT].AUROC.point)}" for name, row in rows if EXACT in row.means
    ]
    struck = [f"{name} {row.struck}" for name, row in rows if row.struck]
    return "; ".join([f"AUROC {', '.join(scores) or 'of no class'}", *struck])


def score(
    params: Params,
    data: LabelledSet,
    test: LabelledSet,
    struck: Mapping[str, str],
    predicted: Predicted,
    device: torch.device,
) -> ExternalResults:
    """Score the rows of Table 2, which are written, and the variants, but for those that are struck."""
    related = read_json(external_path(data.name, "counts.json"))["related"]
    near = frozenset(label for label, relations in related.items() if "use" in relations)
    sets = drawn_apart(params, data, device), evaluation_set(params, test, device)
    comparison = Comparison(*sets, near, params.bootstrap.level)
    variants = {
        name: ExternalRow(struck[name])
        if name in struck
        else comparison.score(Frozen([predicted[name][seed] for seed in params.train.seeds]))
        for name in params.variants
    }
    ensembles, subgroups, groups = {}, {}, groups_of(data.table)
    for row in params.table2:
        if gone := [name for name in row_members(params, row) if name in struck]:
            ensembles[row.name] = ExternalRow(f"{gone[0]} {struck[gone[0]]}")
        else:
            frozen = freeze(params, row.name, data, test, predicted)
            ensembles[row.name] = comparison.score(frozen)
            if row.name in told_rows(params):
                scored = score_kinds(comparison.exact, frozen.predictions, groups, comparison.level)
                subgroups[row.name] = scored
    entry, patients = params.data.external[data.name], data.table["patient_id"].nunique()
    kind = entry.hospital == params.data.primary, entry.human
    sizes = len(data.table), patients
    return ExternalResults(*sizes, *kind, comparison.counts, ensembles, variants, subgroups)


def drawn_apart(params: Params, data: LabelledSet, device: torch.device) -> EvaluationSet:
    """Return the set as rows are scored on it; its draws are apart from those of the test set."""
    draws = params.bootstrap.resamples, params.bootstrap.seed + 1
    resamples = resample_patients(data.table["patient_id"], *draws)
    classes = count_classes(data.targets, resamples, data.classes, read_groups(), LEAST)
    return EvaluationSet(data.targets, classes, resamples, device)


def freeze(params: Params, row: str, data: LabelledSet, test: LabelledSet, predicted: Predicted) -> Frozen:
    """Return what a row of Table 2, as it was chosen, says of both sets; write it of the external one."""
    predictions, fits, own = [], [], []
    for seed in params.train.seeds:
        frozen = read_frozen(row, seed, data.classes)
        models = np.stack([predicted[name][seed] for name in frozen.models])
        predictions.append(ensemble(models, frozen.weights))
        write_predictions(external_predictions(data.name, "ensembles", row, seed), data, predictions[-1])
        fits.append(frozen.calibration)
        own.append(read_own(row, seed, test))
    return Frozen(predictions, fits, own)


if __name__ == "__main__":
    run_stage(main, launcher="evaluate")
