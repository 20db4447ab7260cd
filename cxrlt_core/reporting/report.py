"""reports/report.md: what was run, what came out, and how far the numbers can be believed."""

from collections.abc import Mapping

from cxrlt_core.labels import GROUPS
from cxrlt_core.prediction.study_level import VIEW_WEIGHTS
from cxrlt_core.pretrained.origin import origin_text
from cxrlt_core.reporting.answer_report import answer_section
from cxrlt_core.reporting.attention_report import attention_section
from cxrlt_core.reporting.data_report import origins_text, set_names
from cxrlt_core.reporting.effects_report import effects_section, improvement_section
from cxrlt_core.reporting.evidence_report import (
    contrasts_section,
    contrasts_text,
    seeds_text,
)
from cxrlt_core.reporting.figure_text import figure_text
from cxrlt_core.reporting.markdown import markdown_table, percent
from cxrlt_core.reporting.planner_report import planner_section
from cxrlt_core.reporting.selection_report import UPWEIGHTED, selection_section, upweighted_text
from cxrlt_core.reporting.study import Study
from cxrlt_core.reporting.tables import duration, further_metrics, number_text, to_markdown

DEMO_WARNING = (
    "> **Synthetic demo: the images are drawn by a program and the encoders are small stand-ins, trained on "
    "nothing else. No number on this page reproduces a published figure or says anything about patients.**\n"
)
STANDIN_WARNING = "> **The text encoders are untrained stand-ins; the images are real.**\n"


def render(study: Study) -> str:
    """Write the report as markdown; pictures are linked from ``figures/``."""
    demo = study.params.demo
    warning = [DEMO_WARNING] if demo.sources else [STANDIN_WARNING] if demo.text_encoders else []
    sections = [
        _title,
        _answer,
        _run,
        _table1,
        _table2,
        _planner,
        _classes,
        _attention,
        _data,
        _training,
        _provenance,
    ]
    return "\n".join(warning + [section(study) for section in sections])


def _title(study: Study) -> str:
    return f"# {study.params.report.title}\n"


def _answer(study: Study) -> str:
    answer = answer_section(study.params, study.planner, study.contrasts, study.tables, study.positives)
    return f"{answer}\n{_figure(study, 'designs')}"


def _run(study: Study) -> str:
    level = f"{study.params.bootstrap.level:.0%}"
    sets = study.summary["sets"]
    return f"""## What was run, and how to read it

{len(study.params.variants)} variants, trained {_times(study)} on {sets["train_primary"]["images"]:,} images of \
`{study.params.data.primary}`{_extra_text(study)}, {len(study.summary["classes"])} classes; development \
set of {sets["dev"]["images"]:,} and test set of {sets["test"]["images"]:,} images, split by patient.

- **mAP** is the mean over classes of average precision; head, medium and tail are the same mean over \
classes grouped by training prevalence ({_group_limits(study)}). Unknown labels count nowhere.
- **Intervals** [low, high] are {level} intervals and ± one standard error, from the spread of \
{study.params.bootstrap.resamples:,} resamples of *patients* and, with several seeds, of the trainings; all rows of a table \
share the resamples, so a difference (Δ) is paired and its interval is narrower than the two beside it suggest.
- **Less bias**: average precision of few positives comes out too high; this is mAP less what the resamples show of that.
{seeds_text(study.params)}
{contrasts_text(study.params)}
{_study_level(study)}- **Published** figures are the paper's, for comparison only. They enter no computation.
- **†** marks what was scored on the development data that it was selected upon; read it as optimistic.
- **Further metrics**: *micro AP* pools the labels of all classes; the others are means over classes, each class against \
the rest. *F1* is taken at the threshold of each class that is best on development data and *at 0.5*, as the challenge has it; \
*NLL* (negative log-likelihood) and *ECE* (expected calibration error, 15 bins) before and after the logits are divided by one \
temperature (*scaled*); *Brier* is the mean squared error of the probability.
"""


def _times(study: Study) -> str:
    seeds = len(study.params.train.seeds)
    return "once" if seeds == 1 else f"{seeds} times,"


def _study_level(study: Study) -> str:
    rule = study.params.study.aggregate
    if rule == "none":
        return ""
    weights = ", ".join(f"{view} {weight:g}" for view, weight in VIEW_WEIGHTS.items())
    how = {"mean": "the mean", "view_weighted": f"the weighted mean ({weights})"}[rule]
    return (
        f"- **Studies**: every image is scored with {how} over the images of its study "
        f"(`study.aggregate: {rule}`); the feedback that chose the class weights is per image.\n"
    )


def _extra_text(study: Study) -> str:
    extra = study.params.data.extra
    if not extra:
        return ""
    return f", replenished with {' and '.join(f'`{name}`' for name in extra)} where a row says so"


def _group_limits(study: Study) -> str:
    limits = study.params.data.groups
    sizes = {g: sum(c["group"] == g for c in study.classes.values()) for g in GROUPS}
    return (
        f"head from {limits.head:.0%}: {sizes['head']} classes, medium: {sizes['medium']}, "
        f"tail below {limits.tail:.0%}: {sizes['tail']}"
    )


def _table1(study: Study) -> str:
    return f"""## Table 1: the designs, on the development set

{to_markdown(study.table1, study.params.bootstrap.level)}
{_figure(study, "table1")}
The development set chose the class weights (`reweight.base`: `{study.params.reweight.base}`), so reweighted rows (†) are \
scored on data that their loss has seen in that one way. {upweighted_text(study.weights, study.upweighted)} \
{UPWEIGHTED}

### What each design changes

{_contrasts(study, 1, "dev", "development set")}
{_figure(study, "class_changes")}
{_figure(study, "reweighting")}
### Main effects

{effects_section(study.effects, study.table1, study.params.bootstrap.level)}
### Further metrics

{further_metrics(study.table1)}
The thresholds of *F1* were chosen on these same data (†); each half of the patients is scaled by the temperature that the \
other half asks for.
"""


def _contrasts(study: Study, number: int, split: str, data: str) -> str:
    rows, contrasts = (by_name[f"table{number}"] for by_name in (study.tables, study.contrasts))
    positives = study.positives[split]
    figure = _figure(study, f"contrasts{number}")
    return contrasts_section(study.params, rows, contrasts, positives, data, figure)


def _table2(study: Study) -> str:
    top_k = study.params.ensemble.top_k
    prior = study.params.ensemble.prior_positives
    return f"""## Table 2: the ensembles, on the test set

{to_markdown(study.table2, study.params.bootstrap.level)}
{_figure(study, "table2")}
All members predict with TTA ({study.params.tta.views} views). *Model-wise* averages all models; *class-wise* \
averages, per class, the {top_k} with the best development AP; both are the paper's. *Bagged* repeats that choice on resampled \
development patients and weighs models by how often they are chosen; *shrunk* pulls the choice to the mean of all models, halfway \
for a class with {prior:g} development positives. The test set is scored here, once, and nowhere else.

### What each design changes

{_contrasts(study, 2, "test", "test set")}
### What selection costs

{selection_section(study.table2, study.ensembles, study.shown, study.params.bootstrap.level)}
{_figure(study, "member_choice")}
### Further metrics

{further_metrics(study.table2)}
Thresholds and temperature were fitted on development data.

{_figure(study, "reliability")}"""


def _figure(study: Study, name: str) -> str:
    return figure_text(study.figures, name)


def _planner(study: Study) -> str:
    return f"""{planner_section(study.params, study.planner, study.tables, _figure(study, "variance"))}
### Would a new training agree?

{improvement_section(study.contrasts, study.tables)}"""


def _classes(study: Study) -> str:
    sets = study.summary["sets"]
    last = study.ensembles[study.shown]["classes"]
    names = set_names(study.params)
    stability = study.ensembles[study.shown]["stability"]
    header = [
        "class",
        "group",
        "training prevalence",
        *names,
        "patients, dev",
        "patients, test",
        "AP",
        "AUROC",
    ]
    header.append("stability of the choice")
    lines = []
    for name, entry in study.classes.items():
        positives = [f"{sets[s]['classes'][name]['positive']:,}" for s in names]
        scores = [number_text(last[name]["AP"]), number_text(last[name]["AUROC"]), percent(stability[name])]
        patients = [f"{study.positives[split][name]:,}" for split in ("dev", "test")]
        lines.append([name, entry["group"], percent(entry["prevalence"]), *positives, *patients, *scores])
    return f"""## Classes

{_figure(study, "long_tail")}
{_figure(study, "class_scores")}
{_figure(study, "precision_recall")}
AP and AUROC: test set, `{study.shown}`. *Stability*: of the models chosen for the class, the share that another sample of \
development patients would choose again. Under the names of the sets: positive images; then positive patients.

{markdown_table(header, lines)}{_undefined(study)}"""


def _undefined(study: Study) -> str:
    lacking = [
        f"{name} ({split})"
        for split in ("dev", "test")
        for name, counts in study.summary["sets"][split]["classes"].items()
        if not counts["positive"] or not counts["negative"]
    ]
    if not lacking:
        return ""
    return (
        f"\nWithout a known positive or a known negative, so undefined and left out of every mean: "
        f"{', '.join(lacking)}.\n"
    )


def _attention(study: Study) -> str:
    level = study.params.bootstrap.level
    return attention_section(study.attention, study.classes, level, _figure(study, "attention"))


def _data(study: Study) -> str:
    sets = study.summary["sets"]
    counts = ("images", "patients", "studies")
    rows = [[name, *(f"{sets[name][count]:,}" for count in counts)] for name in set_names(study.params)]
    return f"""## Data

{markdown_table(["set", *counts], rows)}
{origins_text(study.summary)}
[data.md](data.md) counts the labels of every source, what was dropped or rejected and why, and what was checked \
across sets.

{_figure(study, "cooccurrence")}
{_figure(study, "examples")}"""


def _training(study: Study) -> str:
    time = "time" if len(study.params.train.seeds) == 1 else "time of each seed"
    header = ["variant", "images", "steps", "passes over the primary images", time, "peak memory", "device"]
    rows = [
        [
            name,
            f"{costs[0]['images']:,}",
            f"{costs[0]['steps']:,}",
            str(costs[0]["passes"]),
            ", ".join(duration(cost["seconds"]) for cost in costs),
            f"{max(cost['peak_memory_mib'] for cost in costs):,} MiB",
            " and ".join(dict.fromkeys(cost["device"] for cost in costs)),
        ]
        for name, costs in study.costs.items()
    ]
    return f"""## Training

{_figure(study, "learning_curves")}
{_figure(study, "cost")}
A replenished variant takes more steps for the same number of passes over the primary images.

{markdown_table(header, rows)}"""


def _image_encoder(model: str, encoder: Mapping) -> str:
    """Say what an image encoder is, and what was loaded."""
    name = model if model == encoder["network"] else f"{model}`, `{encoder['network']}"
    options = ", ".join(f"{key} {value}" for key, value in encoder["options"].items())
    weights = origin_text(encoder["weights"]) if encoder["weights"] else "random weights"
    pixels = encoder["pixels"] and "pixels of mean {:.4g} and deviation {:.4g}".format(*encoder["pixels"])
    size = f"{encoder['tokens']} tokens of {encoder['width']}, {encoder['parameters']:,} parameters"
    cost = f"{encoder['gflops']:.3g} GFLOPs an image"
    return f"{', '.join(filter(None, [f'`{name}`', options, pixels, size, cost]))}; {weights}"


def _provenance(study: Study) -> str:
    text = "".join(
        f"| text `{name}` | `{e.model}`, {e.pooling} pooling; {origin_text(study.texts[name])} |\n"
        for name, e in study.params.text_encoders.items()
    )
    image = "".join(
        f"| image `{name}` | {_image_encoder(e.model, study.encoders[name])} |\n"
        for name, e in study.params.image_encoders.items()
    )
    versions = ", ".join(f"{name} {version}" for name, version in study.versions.items())
    query = study.params.query
    return f"""## Where the numbers come from

| what | value |
| --- | --- |
{image}{text}| query network | width {query.width}, {query.layers} layer(s), {query.heads} heads, feed-forward \
{query.feedforward} |
| images | {study.params.image.size} × {study.params.image.size} pixels, grey |
| seeds | training {study.params.train.seeds}, bootstrap {study.params.bootstrap.seed}, TTA \
{study.params.tta.seed}, splits {study.params.data.splits.seed} |
| code | {study.revision} |
| versions | {versions} |

Same parameters, same machine, same tables. [provenance.json](provenance.json) has, for each row, the hashes of its parameters \
and data, seeds, versions, device, steps, time and memory. Every file behind this page is named with its hash in `dvc.lock`; \
`dvc params diff` tells what changed against another revision.
"""
