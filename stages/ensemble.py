"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

from cxrlt_core.evidence.ensemble_entry import describe_row
from cxrlt_core.evidence.ensembles import gap_of_plain_mean, score_ensemble, score_singles
from cxrlt_core.evidence.scoring import count_classes, row_numbers, with_intervals
from cxrlt_core.evidence.seed_variance import RecombinedSeedVariance, orthogonal_array
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.rows import contrasts2
from cxrlt_core.study.variants import members as members_of
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import score_text
from stages.artifacts.border import run_stage
from stages.artifacts.ensembles import read_members, write_row
from stages.artifacts.leftovers import remove_leftovers
from stages.artifacts.scoring import draw_patients
from stages.artifacts.sets import read_groups, read_set


def main(params: Params) -> None:
    """Write metrics/ensemble.json, and for each row and seed its predictions and the ensemble to be used."""
    remove_leftovers(params, "predictions/tta")
    device = open_device(params.compute.device, params.compute.threads)
    dev, test = read_set("dev"), read_set("test")
    names = members_of(params)
    seeds, level, least = params.train.seeds, params.bootstrap.level, params.evidence.min_positives
    resamples = draw_patients(params, test)
    classes = count_classes(test.targets, resamples, test.classes, read_groups(), least)
    everything = read_members(params, dev, test, resamples, device)
    array = orthogonal_array(len(names), len(seeds))
    rows, scores, runs = {}, {}, {}
    for replenished in sorted({row.replenished for row in params.table2}):
        used = [replenished or params.variants[name].data == "primary" for name in names]
        models = [name for name, one in zip(names, used, strict=True) if one]
        methods = {row.name: row.method for row in params.table2 if row.replenished == replenished}
        members = everything.among(used)
        runs |= members.recombine(methods, array[:, used], classes)
        plain = gap_of_plain_mean(members)
        for row, method in methods.items():
            weights = [choice.weights(method) for choice in members.choices]
            scored = score_ensemble(members, method, weights, classes)
            scores[row] = scored.score
            described = describe_row(members, weights, scored, plain, classes, seeds, level)
            rows[row] = {"models": models, **described}
            write_row(params, row, models, test, weights, scored)
    singles = score_singles(everything, names, classes, level)
    noise, first = RecombinedSeedVariance(array, runs), params.table2[0].name
    for name, entry in rows.items():
        entry |= row_numbers(scores, name, first, noise, level)
        entry["classes"] = with_intervals(scores, name, noise, level)
    contrasts = contrasts2(params, scores, noise)
    content = {"images": len(test.table), "rows": rows, "singles": singles, "contrasts": contrasts}
    write_json("metrics/ensemble.json", content)
    print("test mAP:", ", ".join(f"{n} {score_text(one['metrics']['mAP'])}" for n, one in rows.items()))


if __name__ == "__main__":
    run_stage(main)
