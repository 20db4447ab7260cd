"""Which figures a report has, and what each of them shows; the room ``figures`` draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.evidence.contrasts import published_steps
from cxrlt_core.figures import (
    attention_maps,
    class_changes,
    class_scores,
    contact_sheet,
    contrast_forest,
    cooccurrence,
    cost_benefit,
    learning_curves,
    long_tail,
    member_choice,
    precision_recall,
    reliability,
    reweighting,
    table_forest,
    variance_split,
)
from cxrlt_core.figures.picture import Picture, picture
from cxrlt_core.figures.style import Sampling
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting import figure_data as data
from cxrlt_core.reporting.data_report import set_names
from cxrlt_core.reporting.evidence_report import shown_ensemble
from cxrlt_core.reporting.tables import Row

DEV, TEST = "development set", "test set"


@dataclass(frozen=True)
class Findings:
    """What a study found, as the figures need it.

    Attributes:
        summary: content of data/summary.json.
        classes: class to group and training prevalence.
        tables: table to its rows.
        contrasts: table to its contrasts, as plain values.
        changes: position in Table 1's contrasts to what they change by class: difference, low, high.
        means: of the classes that were upweighted, and of the others, as :mod:`reweighting` draws them.
        weights: name of a reweighting to the content of its weights file.
        patients: class to its positive development patients.
        cooccurrence: names of the classes, and the counts of :func:`cxrlt_core.metrics.curves.cooccurrence`.
        ensembles: content of metrics/ensemble.json.
        history: a record for each variant, seed and epoch.
        costs: variant to its models' cost.json, one a seed.
        plans: table to its plan, from :func:`cxrlt_core.evidence.power_analysis.power_analysis`.
    """

    summary: Mapping
    classes: Mapping[str, Mapping]
    tables: Mapping[str, Sequence[Row]]
    contrasts: Mapping[str, Sequence[Mapping]]
    changes: Mapping[int, Mapping[str, Sequence[float | None]]]
    means: Sequence[Mapping]
    weights: Mapping[str, Mapping]
    patients: Mapping[str, int]
    cooccurrence: tuple[Sequence[str], np.ndarray, np.ndarray]
    ensembles: Mapping
    history: Sequence[Mapping]
    costs: Mapping[str, Sequence[Mapping]]
    plans: Mapping[str, Mapping]


def draw_figures(params: Params, found: Findings) -> dict[str, Picture]:
    """Draw the figures of a study, by name; what it has nothing of is not drawn."""
    sampling = Sampling(params.bootstrap.level, len(params.train.seeds))
    sets = {name: found.summary["sets"][name] for name in [*set_names(params)]}
    images = {name: entry["images"] for name, entry in sets.items()}
    names, both, known = found.cooccurrence
    pairs = data.of_together(found.classes, names, both, known)
    return {
        **_answer(params, found, sampling),
        **_tables(params, found, sampling),
        "long_tail": picture(long_tail, data.of_sets(found.classes, sets), images),
        "cooccurrence": picture(cooccurrence, pairs, "train_primary"),
        **_changes(found, sampling),
        **_ensemble(params, found, sampling),
        "learning_curves": picture(learning_curves, found.history),
        "cost": _cost(found, sampling, params),
    }


def examples(images: np.ndarray, labels: Sequence[Sequence[str]]) -> Picture:
    """Show images, uint8 (n, H, W), with their positive labels."""
    return Picture(contact_sheet.draw(images, labels), contact_sheet.caption(images, labels))


def attention(records: Sequence[Mapping], images: np.ndarray) -> Picture:
    """Show where a model looks in images, uint8 (n, H, W); they are an image's, so no CSV has them."""
    return Picture(attention_maps.draw(records, images), attention_maps.caption(records, images))


def largest(contrasts: Sequence[Mapping]) -> int | None:
    """Return the position of the pair with the largest difference, a resolved one if there is any."""
    pairs = [n for n, c in enumerate(contrasts) if len(c["rows"]) == 2 and c["difference"][0] is not None]
    resolved = [n for n in pairs if contrasts[n]["verdict"].startswith("resolved")]
    return max(resolved or pairs, key=lambda n: abs(contrasts[n]["difference"][0]), default=None)


def reweighted(contrasts: Sequence[Mapping]) -> int | None:
    """Return the position of the first pair in which only reweighting is switched on."""
    return next(
        (n for n, c in enumerate(contrasts) if c["what"] == "reweight" and c["change"].startswith("off")),
        None,
    )


def _answer(params: Params, found: Findings, sampling: Sampling) -> dict[str, Picture]:
    """Draw the published steps of both tables: what they changed, and where its noise comes from."""
    steps, parts = [], []
    for number, (table, contrasts) in enumerate(found.contrasts.items(), 1):
        rows, name = found.tables[table], f"Table {number}"
        records = data.of_contrasts(rows, published_steps(contrasts))
        steps += [{**one, "rows": f"{name}: {one['rows']}"} for one in records]
        parts += data.of_parts(rows, published_steps(found.plans[table]["contrasts"]), name)
    if not steps:
        return {}
    settings = (sampling, params.evidence.negligible, f"mAP, {DEV} (Table 1) and {TEST} (Table 2)")
    return {
        "designs": picture(contrast_forest, steps, *settings),
        **({"variance": picture(variance_split, parts)} if parts else {}),
    }


def _tables(params: Params, found: Findings, sampling: Sampling) -> dict[str, Picture]:
    figures = {}
    for number, place in ((1, DEV), (2, TEST)):
        rows, contrasts = found.tables[f"table{number}"], found.contrasts[f"table{number}"]
        records, what = data.of_table(rows), f"mAP, {place}"
        figures[f"table{number}"] = picture(table_forest, records, sampling, what)
        if len(contrasts) > len(published_steps(contrasts)):  # which ``designs`` shows
            records = data.of_contrasts(rows, contrasts)
            settings = (sampling, params.evidence.negligible, what)
            figures[f"contrasts{number}"] = picture(contrast_forest, records, *settings)
    return figures


def _changes(found: Findings, sampling: Sampling) -> dict[str, Picture]:
    contrasts, figures = found.contrasts["table1"], {}
    best, weighted = largest(contrasts), reweighted(contrasts)
    if best is not None:
        records = data.of_changes(found.classes, found.changes[best], found.patients)
        figures["class_changes"] = picture(class_changes, records, sampling, _said(contrasts[best]))
    if weighted is not None and found.means:
        weights = found.weights
        records = data.of_reweighting(found.classes, found.changes[weighted], weights)
        what = _said(contrasts[weighted])
        figures["reweighting"] = picture(reweighting, records, found.means, sampling, what)
    return figures


def _said(contrast: Mapping) -> str:
    return f"{contrast['what']} {contrast['change']}, {DEV}"


def _ensemble(params: Params, found: Findings, sampling: Sampling) -> dict[str, Picture]:
    shown, singles = shown_ensemble(params), found.ensembles["singles"]
    entry = found.ensembles["rows"][shown]
    row = f"{shown}, {TEST}"
    base, best = singles["base"], singles["best single"]
    scored = {f"base: {base['variant']}": base["classes"]}
    if best["variant"] != base["variant"]:
        scored[f"best single: {best['variant']}"] = best["classes"]
    scored[f"ensemble: {shown}"] = entry["classes"]
    records = data.of_scores(found.classes, scored)
    figures = {"class_scores": picture(class_scores, records, list(scored), sampling, TEST)}
    if len(entry["models"]) > 1 and "class_wise" in shown:
        records = data.of_choice(found.classes, entry)
        figures["member_choice"] = picture(member_choice, records, entry["models"], shown)
    curves, metrics = entry["curves"], entry["metrics"]
    errors = {"as predicted": metrics["ECE"], "scaled": metrics["ECE_scaled"]}
    temperatures = [f"{one['temperature']:.2f}" for one in entry["calibration"].values()]
    records = data.of_reliability(curves)
    settings = (errors, row, f"T = {', '.join(temperatures)}")
    figures["reliability"] = picture(reliability, records, *settings)
    if curves["precision_recall"]:
        classes = [
            {"class": name, "AP": one["AP"], "positive": entry["classes"][name]["positive"]}
            for name, one in curves["precision_recall"].items()
        ]
        of_seed = row if len(params.train.seeds) == 1 else f"{row}, seed {params.train.seeds[0]}"
        records = data.of_precision_recall(curves)
        figures["precision_recall"] = picture(precision_recall, records, classes, of_seed)
    return figures


def _cost(found: Findings, sampling: Sampling, params: Params) -> Picture:
    rows = found.ensembles["rows"]
    single = [[row.variant] for row in params.table1]
    together = [rows[row.name]["models"] for row in params.table2]
    records = [
        *data.of_costs(found.tables["table1"], f"Table 1, {DEV}", single, found.costs),
        *data.of_costs(found.tables["table2"], f"Table 2, {TEST}", together, found.costs),
    ]
    devices = dict.fromkeys(cost["device"] for its in found.costs.values() for cost in its)
    return picture(cost_benefit, records, sampling, " and ".join(devices))
