"""All that the report shows, read and scored."""

import math
from collections.abc import Iterable

import numpy as np

from cxrlt_core.designs.reweight import reweightings
from cxrlt_core.evidence.alarms import noise_alarms
from cxrlt_core.evidence.contrasts import judge
from cxrlt_core.evidence.external import ExternalResults
from cxrlt_core.evidence.power_analysis import StudySize, power_analysis
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import TESTED
from cxrlt_core.evidence.zero_shot import ZeroShotResults
from cxrlt_core.labels import POSITIVE
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.designs import contrasts1, effects1
from cxrlt_core.reporting.tables import rows1, rows2
from cxrlt_core.results import models
from cxrlt_core.results.data import ClassInfo, Data
from cxrlt_core.results.study import Origins, Results
from cxrlt_core.results.tables import Table
from cxrlt_core.splits.seen import listed_images, read_list
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import read_json, read_parquet
from cxrlt_core.system.records import Record, from_json, read_record
from stages.artifacts.arrays import open_images
from stages.artifacts.history import read_history
from stages.artifacts.looking import external_attention
from stages.artifacts.paths import external_metrics, model_folder, seconds_path, zero_shot_metrics
from stages.artifacts.provenance import report_environment, text_environment, text_origin
from stages.artifacts.scoring import score_table1, upweighted_shares
from stages.artifacts.sets import read_set

EXAMPLES = 12


def read_results(params: Params) -> Results:
    """Read what a study found, and score Table 1."""
    device = open_device(params.compute.device, params.compute.threads)
    data = read_record(Data, "data/summary.json")
    ensembles = read_record(models.EnsembleScores, "metrics/ensemble.json")
    scored, pool = score_table1(params, device)
    tables = make_tables(params, data, scored, ensembles)
    return Results(
        params=params,
        data=data,
        classes=read_record(dict[str, ClassInfo], "data/sets/classes.json"),
        tables=tables,
        effects=effects1(params, scored, tables[0].contrasts),
        scored=scored,
        ensembles=ensembles,
        targets=read_set("train_primary").targets,
        weights=_read_each(models.ClassWeights, "weights/{}.json", reweightings(params.reweight)),
        upweighted=upweighted_shares(params, device),
        history=[epoch for name in params.variants for epoch in read_epochs(name)],
        costs={name: _read_costs(params, name) for name in params.variants},
        predicted={name: _read_predicted(name) for name in params.variants},
        attention=read_record(models.Attention, "metrics/attention.json"),
        origins=Origins(
            encoders=_read_each(models.Encoder, "data/encoders/{}.json", params.image_encoders),
            texts={name: text_origin(name) for name in params.text_encoders},
            embedded={name: text_environment(name) for name in params.text_encoders},
            report=report_environment(),
        ),
        alarms=noise_alarms(pool.names, pool.trainings[TESTED["mAP"]][0], params.bootstrap.level),
        examples=first_images(params),
        looks=attended_images(params),
        seen=_read_seen(params),
        attended={
            name: read_record(models.Attention, external_attention(name))
            for name in params.data.external
            if name in params.data.boxes
        },
        external={
            name: read_record(ExternalResults, external_metrics(name)) for name in params.data.external
        },
        zero_shot={name: read_record(ZeroShotResults, zero_shot_metrics(name)) for name in params.zero_shot},
    )


def _read_each(kind: type[Record], path: str, names: Iterable[str]) -> dict[str, Record]:
    return {name: read_record(kind, path.format(name)) for name in names}


def _read_costs(params: Params, variant: str) -> list[models.Cost]:
    return [read_record(models.Cost, model_folder(variant, s) / "cost.json") for s in params.train.seeds]


def _read_predicted(variant: str) -> list[float]:
    """Return the seconds that predicting an image once took, seed by seed."""
    took = read_json(seconds_path(variant))
    return [seconds / took["images"] for seconds in took["seconds"].values()]


def _read_seen(params: Params) -> dict[str, models.Seen]:
    """Count the test images that each encoder has seen which brings a list of them."""
    counts = {}
    for name, entry in params.seen.items():
        test = read_set("test").table
        seen = test[listed_images(test["path"].tolist(), read_list(entry.file))]
        sizes = (len(seen), len(test), seen["patient_id"].nunique(), test["patient_id"].nunique())
        counts[name] = models.Seen(*sizes)
    return counts


def make_tables(
    params: Params, data: Data, scored: ScoredTable, ensembles: models.EnsembleScores
) -> tuple[Table, Table]:
    """Put both tables together, with what it would take to resolve their contrasts."""
    scores1 = from_json(dict[str, models.ClassScore], scored.scores[params.table1[0].name].classes)
    scores2 = ensembles.rows[params.table2[0].name].classes
    family, judged = judge([contrasts1(params, scored), ensembles.contrasts], scored.level, params.evidence)
    tables = []
    for split, rows, contrasts, scores in (
        ("dev", rows1(params, scored), judged[0], scores1),
        ("test", rows2(params, ensembles.rows), judged[1], scores2),
    ):
        counts, seeds = data.sets[split], len(params.train.seeds)
        sizes = split, counts.images, counts.patients, seeds
        size = StudySize(*sizes, family.level, family.intervals, family.margin)
        positives = {label: score.patients for label, score in scores.items()}
        power = power_analysis(contrasts, size)
        tables.append(Table(len(tables) + 1, split, rows, contrasts, power, positives))
    return tables[0], tables[1]


def read_epochs(variant: str) -> list[models.Epoch]:
    """Read the training curves of a variant."""
    return [models.Epoch(variant=variant, **line) for line in read_history(variant).to_dict("records")]


def first_images(params: Params) -> list[models.Example]:
    """Return the first development images; real ones only with ``report.show_images``."""
    if not params.report.show_images:
        return []
    dev = read_set("dev")
    positions = np.arange(min(EXAMPLES, len(dev.table)))
    images = open_images(dev, params).gather(positions).numpy()[:, 0]
    labels = [np.array(dev.classes)[row == POSITIVE].tolist() for row in dev.targets[positions]]
    return list(map(models.Example, images, labels))


def attended_images(params: Params) -> list[models.Look]:
    """Return where the base variant looks; on real images only with ``report.show_images``."""
    table = read_parquet("predictions/attention.parquet")
    if table.empty or not (params.report.show_images or params.data.primary in params.demo.sources):
        return []
    images = open_images(read_set("dev"), params).gather(table["position"].to_numpy()).numpy()[:, 0]
    side = math.isqrt(len(table["map"].iloc[0]))
    boxes = [np.reshape(edges, (-1, 4)).tolist() for edges in table["boxes"]]
    return [
        models.Look(image, *words, np.asarray(cells, float).reshape(side, side), places)
        for image, *words, cells, places in zip(
            images, table["class"], table["labelled"], table["probability"], table["map"], boxes, strict=True
        )
    ]
