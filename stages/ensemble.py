"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

from cxrlt_core.evidence.ensemble_entry import EnsembleResults, EnsembleRow, describe_selection
from cxrlt_core.evidence.ensembles import gap_of_plain_mean, score_ensemble, score_singles
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.seed_variance import RecombinedSeedVariance, orthogonal_array
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.designs import contrasts2
from cxrlt_core.study.variants import members as members_of
from cxrlt_core.study.variants import replenished as is_replenished
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import score_text
from cxrlt_core.system.records import to_json
from stages.artifacts.border import run_stage
from stages.artifacts.ensembles import read_members, write_row
from stages.artifacts.scoring import evaluation_set
from stages.artifacts.sets import read_set


def main(params: Params) -> None:
    """Write metrics/ensemble.json, and for each row and seed its predictions and the ensemble to be used."""
    device = open_device(params.compute.device, params.compute.threads)
    dev, test = read_set("dev"), read_set("test")
    scored_on, level = evaluation_set(params, test, device), params.bootstrap.level
    names = members_of(params)
    everything = read_members(params, dev, test, scored_on)
    array = orthogonal_array(len(names), len(params.train.seeds))
    selections, scores, runs = {}, {}, {}
    for replenished in sorted({row.replenished for row in params.table2}):
        used = [replenished or not is_replenished(params, name) for name in names]
        methods = {row.name: row.method for row in params.table2 if row.replenished == replenished}
        members = everything.among(used)
        runs |= members.recombine(methods, array[:, used])
        plain = gap_of_plain_mean(members)
        for row, method in methods.items():
            scored = score_ensemble(members, method)
            scores[row] = scored.score
            selections[row] = describe_selection(members, scored, plain, level)
            write_row(params, row, members.names, test, scored)
    published = {row.name: row.published for row in params.table2}
    table = ScoredTable(scores, RecombinedSeedVariance(array, runs), level, published)
    rows = {
        name: EnsembleRow(
            **vars(selection),
            **vars(table.row_numbers(name, params.table2[0].name)),
            classes=table.class_scores(name),
        )
        for name, selection in selections.items()
    }
    singles = score_singles(everything, level)
    results = EnsembleResults(len(test.table), rows, singles, contrasts2(params, table))
    write_json("metrics/ensemble.json", to_json(results))
    print("test mAP:", ", ".join(f"{n} {score_text(row.metrics['mAP'])}" for n, row in rows.items()))


if __name__ == "__main__":
    run_stage(main)
