"""A model card (Mitchell et al. 2019): what a model is, is made from, can do and is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cxrlt_core.serving.predictor import Predictor
from cxrlt_core.system.rounding import or_none
from cxrlt_core.system.text import number, with_error

#: Source to what its licence says.
LICENCES = {
    "mimic": "MIMIC-CXR-JPG and CXR-LT 2023: PhysioNet Credentialed Health Data License; not to be passed on",
    "nih": "ChestX-ray14: NIH Clinical Center, free use with attribution",
    "chexpert": "CheXpert: Stanford University Dataset Research Use Agreement; not to be passed on",
    "padchest": "PadChest: BIMCV, PadChest Dataset Research Use Agreement; not to be passed on",
}

CARD = """# {title}

> **Not a medical device.** For research on long-tailed classification. It must not be used for the diagnosis
> or the treatment of anybody, and no part of a decision on a patient may rest on it.

## What it is

{what}
{graph}
## Findings

{findings}

A threshold is the one with the best F1 on the development set: at or above it a finding counts as present.
Prevalence elsewhere is another, and so are the best threshold and the AP, which is the prevalence for a model
that guesses.

## How well it does in the study

{metrics}

## Data

{data}

Labels were mined from reports by programs, and are wrong at times. Unknown labels are neither positive nor
negative: they count in no loss and no metric.

## Limits

- Nothing was tried on hospitals, devices or populations other than those of the data above.
- A probability is that of a mention in a report of the training data's kind, not of a disease.
- Findings with few positives have wide intervals; on them the model is next to untested.
- Attention maps say what the model weighed, not why, and are no localisation of a finding.
- Images that are no frontal or lateral radiograph of a chest get probabilities, too; nothing warns of them.

## Licence of the data

{licences}
Weights may be bound by the agreements of the data that they were trained on: read these before you pass
this folder on.
"""


@dataclass(frozen=True)
class Known:
    """What a study knows of a model or an ensemble; nothing, where a folder lies outside of one."""

    rows: Sequence[Mapping[str, Any]] = ()  # of the study's tables that show it, with intervals
    # class to ``AP``, ``AP_low``, ``AP_high``, ``AUROC``, ``positive``, ``known``, ``patients``
    classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scored: str = ""  # on what, and what the intervals of classes are about
    note: str = ""  # that must stand beside every number
    data: Mapping[str, Any] | None = None  # counts of the study's sources and sets


def model_card(title: str, predictor: Predictor, known: Known, graph: Sequence[str] = ()) -> str:
    """Return the card in markdown; ``graph`` has lines about what was exported with the model."""
    return CARD.format(
        title=title,
        what=_what(predictor),
        graph="".join(f"- {line}\n" for line in graph),
        findings=_findings(predictor, known),
        metrics=_metrics(known),
        data=_data(known.data),
        licences=_licences(known.data),
    )


def _what(predictor: Predictor) -> str:
    lines = []
    for i, member in enumerate(predictor.members):
        config, mean = member.config, predictor.weights[i].mean()
        parameters = sum(parameter.numel() for parameter in member.network.parameters())
        lines.append(
            f"- {config.image_model}, label names by {config.text}, {parameters / 1e6:.1f} million parameters"
            + (f"; weight {mean:.3f} on average" if len(predictor.members) > 1 else "")
        )
    for square in predictor.geometries:
        side = square.size
        lines.append(f"- sees grey images of {side}×{side} pixels; other shapes: `{square.fit}`")
    lines += [f"- **{predictor.note}**"] if predictor.note else []
    return "\n".join(lines)


def _findings(predictor: Predictor, known: Known) -> str:
    lines = [
        "| finding | threshold | AP [interval] | AUROC | prevalence | positive images | positive patients |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, threshold in zip(predictor.classes, predictor.calibration.thresholds, strict=True):
        scores = known.classes.get(name, {})
        ap = number(scores.get("AP"))
        if scores.get("AP_low") is not None:
            ap += f" [{number(scores['AP_low'])}, {number(scores['AP_high'])}]"
        share = number(scores["positive"] / scores["known"] if scores.get("known") else None)
        counts = (str(scores.get(key, "–")) for key in ("positive", "patients"))
        cells = (name, number(or_none(threshold)), ap, number(scores.get("AUROC")), share, *counts)
        lines.append(f"| {' | '.join(cells)} |")
    about = known.scored or "No scores of the study were at hand when this was written."
    return "\n".join([*lines, "", *_noted(known), about])


def _noted(known: Known) -> list[str]:
    return [f"**{known.note}**", ""] if known.note else []


def _metrics(known: Known) -> str:
    if not known.rows:
        return "It is no row of the study's tables, or they were not at hand when this was written."
    lines = [
        "| row | mAP [interval] | head | medium | tail | mAUROC |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in known.rows:
        names = ("mAP_head", "mAP_medium", "mAP_tail", "mAUROC")
        means = " | ".join(with_error(row.get(name), row.get(f"{name}_se")) for name in names)
        point, low, high = (number(row[name]) for name in ("mAP", "mAP_low", "mAP_high"))
        lines.append(f"| {row['row']} | {point} [{low}, {high}] | {means} |")
    return "\n".join([*lines, "", *_noted(known), MEANS])


MEANS = """Means over the seeds of training, as the study's tables have them. Intervals are of patients and,
with several seeds, of trainings; ± is a standard error."""


def _data(data: Mapping[str, Any] | None) -> str:
    if data is None:
        return "The study's counts were not at hand when this was written."
    lines = ["| set | images | patients |", "| --- | --- | --- |"]
    for name, counts in data["sets"].items():
        lines.append(f"| {name} | {counts['images']:,} | {counts['patients']:,} |")
    return "\n".join([*lines, "", f"Sources: {', '.join(data['sources'])}."])


def _licences(data: Mapping[str, Any] | None) -> str:
    names = LICENCES if data is None else data["sources"]
    lines = [f"- {LICENCES.get(name, f'{name}: ask whoever gave the data')}" for name in names]
    return "\n".join([*lines, ""])
