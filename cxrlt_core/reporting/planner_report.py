"""reports/planner.json and the part of the report that tells what a study would need to resolve more."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import PRIMARY
from cxrlt_core.evidence.estimator import POWER, Parts
from cxrlt_core.evidence.family import ENOUGH
from cxrlt_core.evidence.planning import patients_needed, planned, seeds_needed
from cxrlt_core.evidence.published import IMAGES, MEAN_AP, SLOPE, claim, reference
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting import plots
from cxrlt_core.reporting.figures import contrast_labels
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.tables import Row, number_text, signed
from cxrlt_core.system.rounding import or_none, rounded

SETS = {"table1": "dev", "table2": "test"}  # that the tables are scored on
CORRELATIONS = (0.9, 0.95)  # of two models' noise, in the reference


def plan(params: Params, contrasts: Mapping[str, Sequence[Mapping]], sets: Mapping[str, Mapping]) -> dict:
    """Plan each contrast, as plain values: where its variance comes from, and what would resolve it.

    Args:
        params: of the study.
        contrasts: table to its contrasts, from :func:`cxrlt_core.evidence.contrasts.to_json`.
        sets: name of a set to its counts, from data/summary.json.

    Returns:
        Table to its sizes, its contrasts and, for both published sizes, what the reference can tell apart.
    """
    return {
        table: _plan_table(params, found, SETS[table], sets[SETS[table]])
        for table, found in contrasts.items()
    }


def _plan_table(params: Params, contrasts: Sequence[Mapping], name: str, size: Mapping[str, int]) -> dict:
    level = params.bootstrap.level
    tests = {
        family: sum(one["family"] == family and one["parts"] is not None for one in contrasts)
        for family in {one["family"] for one in contrasts}
    }
    primary = max(1, tests.get(PRIMARY, 0))
    return {
        "set": name,
        "images": size["images"],
        "patients": size["patients"],
        "seeds": len(params.train.seeds),
        "published_images": IMAGES[name],
        "reference": {f"{c:g}": rounded(reference(IMAGES[name], c, level, primary)) for c in CORRELATIONS},
        "contrasts": [
            _plan_contrast(one, name, size, len(params.train.seeds), level, tests[one["family"]])
            for one in contrasts
        ],
    }


def _plan_contrast(
    one: Mapping, name: str, size: Mapping[str, int], seeds: int, level: float, tests: int
) -> dict:
    planned_one = {key: one[key] for key in ("what", "change", "rows", "family")}
    if one["parts"] is None:  # undefined
        return planned_one | dict.fromkeys(
            ("variance", "error", "detectable", "measured", "published", "claim")
        )
    parts = Parts(**{part: np.nan if value is None else value for part, value in one["parts"].items()})
    variance = {
        "patients": parts.patients,
        "patients_by_seed": parts.patients_by_seed / seeds,
        "training": parts.training / seeds,
        "selection": parts.selection,
    }
    known = [value for value in variance.values() if np.isfinite(value)]

    def needs(difference: float | None) -> dict | None:
        if difference is None:
            return None
        told = {"difference": difference, "seeds": None, "patients": None}
        if seeds > 1:
            told["seeds"] = seeds_needed(parts, seeds, difference, level, tests)
            told["patients"] = patients_needed(parts, size["patients"], seeds, difference, level, tests)
        return told

    claimed = None
    if one["published"] is not None:
        found = claim(parts, size["images"], IMAGES[name], one["published"], level, tests)
        numbers = {"patients": rounded(found.patients), "trainings": rounded(found.trainings)}
        claimed = asdict(found) | numbers
    return planned_one | {
        "variance": {part: or_none(float(f"{value:.4g}")) for part, value in variance.items()},
        "error": rounded(np.sqrt(sum(known))),
        "detectable": rounded(planned(parts, seeds, max(seeds, ENOUGH)).detectable(level, tests)),
        "measured": needs(one["difference"][0]),
        "published": needs(one["published"]),
        "claim": claimed,
    }


def variance_figure(
    planned_tables: Mapping[str, Mapping], tables: Mapping[str, Sequence[Row]]
) -> Figure | None:
    """Draw the parts of the variance of the contrasts that the report shows; None without any."""
    names, parts = [], []
    for number, (table, one) in enumerate(planned_tables.items(), 1):
        shown = [c for c in _shown(one["contrasts"]) if c["variance"]]
        names += [f"Table {number}: {label}" for label in contrast_labels(tables[table], shown)]
        parts += [c["variance"] for c in shown]
    return plots.variance_split(parts, names) if parts else None


def _shown(contrasts: Sequence[Mapping]) -> list[Mapping]:
    """The published steps, or all where nothing is published."""
    return [one for one in contrasts if one["family"] == PRIMARY] or list(contrasts)


def planner_section(
    params: Params, planned_tables: Mapping[str, Mapping], tables: Mapping[str, Sequence[Row]]
) -> str:
    """Write the section of the report."""
    seeds = len(params.train.seeds)
    parts = [
        f"""## What it would take

![Where the noise of each difference comes from](figures/variance.png)

The bars split the variance of each difference: what other **patients** would change for all seeds alike, what they would change \
for each seed (**patient × seed**), what other **trainings** would change, and what another choice of members on other \
development patients would (**selection**). More seeds shrink the second and third, more patients the first, second and fourth.
{ONE_SEED if seeds == 1 else ""}"""
    ]
    for number, (table, one) in enumerate(planned_tables.items(), 1):
        if one["contrasts"]:
            parts.append(_needs(one, number, tables[table], params))
    if any(one["claim"] for planned_one in planned_tables.values() for one in planned_one["contrasts"]):
        parts.append(_claims(params, planned_tables, tables))
    return "\n".join(parts)


ONE_SEED = """
**Each variant was trained once: the noise of trainings is unknown, and so is what would resolve a difference.** Shown is what \
patients add.
"""


def _needs(one: Mapping, number: int, rows: Sequence[Row], params: Params) -> str:
    shown = _shown(one["contrasts"])
    labels = contrast_labels(rows, shown)
    lines = [
        [label, number_text(c["detectable"]), *_need_cells(c["measured"]), *_need_cells(c["published"])]
        for label, c in zip(labels, shown, strict=True)
    ]
    header = ["contrast", "detectable Δ", "measured Δ", "seeds", "or patients"]
    header += ["published Δ", "seeds", "or patients"]
    seeds = max(one["seeds"], ENOUGH)
    return f"""### Table {number}: to resolve a difference

What it takes to resolve a true difference of this size in {POWER:.0%} of studies, if it were the strictest test of its family: \
*seeds* on today's {one["patients"]:,} {_set_text(one)} patients, *or patients* with {seeds} seeds. Today: {one["seeds"]} \
{"seed" if one["seeds"] == 1 else "seeds"}. A measured difference is itself uncertain, so its need is a rough guide.

{markdown_table(header, lines)}"""


def _set_text(one: Mapping) -> str:
    return {"dev": "development", "test": "test"}[one["set"]]


def _need_cells(need: Mapping[str, Any] | None) -> list[str]:
    if need is None:
        return ["–"] * 3
    return [signed(need["difference"]), *(_count(need[what]) for what in ("seeds", "patients"))]


def _count(number: int | str | None) -> str:
    return "–" if number is None else number if isinstance(number, str) else f"{number:,}"


def _claims(
    params: Params, planned_tables: Mapping[str, Mapping], tables: Mapping[str, Sequence[Row]]
) -> str:
    lines = []
    for number, (table, one) in enumerate(planned_tables.items(), 1):
        shown = [c for c in one["contrasts"] if c["claim"]]
        for label, c in zip(contrast_labels(tables[table], shown), shown, strict=True):
            claimed = c["claim"]
            lines.append(
                [
                    f"Table {number}: {label}",
                    signed(c["published"]["difference"]),
                    number_text(claimed["patients"]),
                    number_text(claimed["trainings"]),
                    ANSWERS[claimed["resolvable"]],
                    _count(claimed["images"]),
                ]
            )
    header = ["published step", "published Δ", "detectable Δ: patients alone", "with one training each"]
    header += ["could be resolved", "images, were trainings exact"]
    answers = [line[4] for line in lines]
    told = ", ".join(f"{answers.count(text)} {text}" for text in ANSWERS.values() if text in answers)
    return f"""### Could the published steps have been resolved?

By a study of the published size, {IMAGES["dev"]:,} development and {IMAGES["test"]:,} test images and one training of each \
variant, with the noise of this study: {told}.

{markdown_table(header, lines)}
{_assumptions(params, planned_tables)}"""


ANSWERS = {True: "yes", False: "no", None: "not known"}


def _assumptions(params: Params, planned_tables: Mapping[str, Mapping]) -> str:
    demo = (
        "**The noise is that of a synthetic study: images drawn by a program and stand-in encoders. The table shows how the "
        "question is answered, not what the published study could see.** "
        if params.demo.sources
        else ""
    )
    references = " and ".join(
        f"{', '.join(f'{value:.4f} at {c}' for c, value in one['reference'].items())} ({_set_text(one)} images)"
        for one in planned_tables.values()
    )
    return f"""{demo}*Assumptions.* The parts of each contrast's variance are those measured here, on this study's classes; \
those of patients and selection are divided by the ratio of images, with images per patient as here; that of trainings stays, since \
one training each cannot average it. It is taken as known, though one training cannot tell it, so a real test would see less. \
*Images* are those that would resolve the published Δ if a training were exact. The level is that of the verdicts (Holm's strictest \
test), the probability to resolve {POWER:.0%}. As a reference that needs no study: two models with normal scores, the prevalences \
of CXR-LT 2023, an mAP of {MEAN_AP} with logit AP rising by {SLOPE:g} per logit of prevalence, and images independent, are told apart, \
patients alone, from differences of {references}, by the correlation of the two models' noise (docs/evidence.md).
"""
