"""Ensemble the variants; the only stage that sees the test labels, and it scores them once.

Usage: python -m stages.ensemble
"""

from collections import defaultdict

import numpy as np

from cxrlt_core.evidence.ensemble_entry import EnsembleResults, EnsembleRow, describe_selection
from cxrlt_core.evidence.ensembles import gap_of_plain_mean, score_ensemble, score_singles
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.seed_variance import RecombinedSeedVariance, orthogonal_array
from cxrlt_core.evidence.subgroup_scores import score_kinds
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.attribution import contrasts2
from cxrlt_core.study.variants import members as members_of
from cxrlt_core.study.variants import row_members
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import score_text
from cxrlt_core.system.records import to_json
from stages.artifacts.border import run_stage
from stages.artifacts.ensembles import read_members, write_row
from stages.artifacts.scoring import evaluation_set
from stages.artifacts.sets import read_set
from stages.artifacts.subgroups import own_groups, told_rows


def main(params: Params) -> None:
    """Write metrics/ensemble.json, and for each row and seed its predictions and the ensemble to be used."""
    device = open_device(params.compute.device, params.compute.threads)
    dev, test = read_set("dev"), read_set("test")
    scored_on, level = evaluation_set(params, test, device), params.bootstrap.level
    everything = read_members(params, dev, test, scored_on)
    array = orthogonal_array(len(everything.names), len(params.train.seeds))
    selections, scores, runs, used, subgroups = {}, {}, {}, {}, {}
    sets = {"test": scored_on, "dev": evaluation_set(params, dev, device)}
    groups = {"test": own_groups(test), "dev": own_groups(dev)}
    for names, methods in rows_by_members(params).items():
        chosen = np.isin(everything.names, names)
        members = everything.among(chosen)
        runs |= members.recombine(methods, array[:, chosen])
        plain = gap_of_plain_mean(members)
        for row, method in methods.items():
            scored = score_ensemble(members, method)
            scores[row], used[row] = scored.score, chosen
            if row in told_rows(params):
                predicted = {"test": scored.predictions, "dev": members.combine(scored.weights)[0]}
                subgroups[row] = {
                    name: score_kinds(data, predicted[name], groups[name], level)
                    for name, data in sets.items()
                }
            selections[row] = describe_selection(members, scored, plain, level)
            write_row(params, row, members.names, test, scored)
    published = {row.name: row.published for row in params.table2}
    table = ScoredTable(scores, RecombinedSeedVariance(array, used, runs), level, published)
    rows = {
        row.name: EnsembleRow(
            **vars(selections[row.name]),
            **vars(table.row_numbers(row.name, params.table2[0].name)),
            classes=table.class_scores(row.name),
        )
        for row in params.table2
    }
    singles = score_singles(everything.among(np.isin(everything.names, members_of(params))), level)
    results = EnsembleResults(len(test.table), rows, singles, contrasts2(params, table), subgroups)
    write_json("metrics/ensemble.json", to_json(results))
    print("test mAP:", ", ".join(f"{n} {score_text(row.metrics['mAP'])}" for n, row in rows.items()))


def rows_by_members(params: Params) -> dict[tuple[str, ...], dict[str, str]]:
    """Return the variants of each ensemble, and the rows that are made of them: name to method."""
    rows: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for row in params.table2:
        rows[tuple(row_members(params, row))][row.name] = row.method
    return rows


if __name__ == "__main__":
    run_stage(main)
