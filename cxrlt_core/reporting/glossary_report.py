"""The one place where the report says what its terms and marks mean."""

from cxrlt_core.evidence.estimator import POWER
from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.labels import GROUPS
from cxrlt_core.prediction.study_level import VIEW_WEIGHTS
from cxrlt_core.results.study import Results


def glossary(results: Results) -> str:
    """Write a line a term that the report of this study and its appendix use, in alphabetical order."""
    terms = {**_study(results), **_scores(results), **_evidence(results)}
    return "".join(f"- **{term}**: {terms[term]}\n" for term in sorted(terms, key=str.casefold))


def _study(results: Results) -> dict[str, str]:
    params, limits = results.params, results.params.data.groups
    sizes = {group: sum(info.group == group for info in results.classes.values()) for group in GROUPS}
    terms = {
        "group": f"head, medium or tail, by the share of training images that have a class (head from {limits.head:.0%}: "
        f"{sizes['head']} classes, medium: {sizes['medium']}, tail below {limits.tail:.0%}: {sizes['tail']})",
        "row": "a line of a table: a variant with or without TTA, or an ensemble of variants",
        "unknown label": "neither positive nor negative; it counts in no loss and in no metric",
        "variant": "a model as params.yaml describes it, trained once with each seed",
        "†": "scored on the development data that it was selected upon; read it as optimistic",
    }
    if results.has_published:
        terms["published"] = "the paper's figure, for comparison only; it enters no computation"
    if params.study.aggregate != "none":
        terms["study"] = _aggregation(params.study.aggregate)
    return terms


def _aggregation(rule: str) -> str:
    weights = ", ".join(f"{view} {weight:g}" for view, weight in VIEW_WEIGHTS.items())
    how = {"mean": "the mean", "view_weighted": f"the weighted mean ({weights})"}[rule]
    return (
        f"every image is scored with {how} over the images of its study (`study.aggregate: {rule}`); the feedback that "
        "chose the class weights is per image"
    )


def _scores(results: Results) -> dict[str, str]:
    return {
        "AP": "average precision: the mean, over the positives of a class, of the precision down to each",
        "AUROC": "the probability that a positive of a class scores above a negative; mAUROC is the mean over classes",
        "Brier": "the mean squared error of the probability",
        "chance": "the mAP of scores drawn at random: the mean over classes of the share of positives",
        "ECE": "expected calibration error, 15 bins; *scaled*: after the logits are divided by one temperature",
        "F1": "at the threshold of each class that is best on development data, and *at 0.5*, as the challenge has it",
        "bias-corrected": "mAP less its bias by the bootstrap: average precision of few positives comes out too high",
        "mAP": "the mean over classes of AP; head, medium and tail are the same mean over the classes of a group",
        "micro AP": "AP with the labels of all classes in one pool; the other metrics are means over classes",
        "NLL": "negative log-likelihood of the labels; *scaled* as ECE",
        "stability": "of the models chosen for a class, the share that another sample of development patients would choose "
        "again",
    }


def _evidence(results: Results) -> dict[str, str]:
    level, margin = results.params.bootstrap.level, results.params.evidence.margin
    named = results.params.evidence.primary is not None
    between = "the steps between published rows of both tables" if results.has_published else "none"
    families = "those that `evidence.primary` names" if named else between
    wanted = f"the {'published one, or the ' if results.has_published else ''}margin of {margin:g}"
    several = len(results.params.train.seeds) > 1
    return {
        "minimum detectable Δ": f"minimum detectable effect: the smallest true difference that would be resolved with {POWER:.0%} probability: "
        "a design that moves less cannot be judged by a study of this size",
        "Δ": "the first of two rows minus the second, on the same resamples: its interval is narrower than those of the two "
        "rows suggest",
        "equivalent within": "the smallest margin at which the two would be practically equivalent: the farther end of the "
        "simultaneous interval",
        "family": f"contrasts that are judged together: {families}; their *simultaneous* confidence intervals all "
        f"hold together with {level:.0%} probability (Bonferroni). All other contrasts are *exploratory*: they have no verdict",
        "interval": f"[low, high], {level:.0%}, and ± one standard error: from the spread of "
        f"{results.params.bootstrap.resamples:,} resamples of *patients*{' and from the trainings' if several else ''}",
        "P": "probability of improvement: that, on these patients, a new training with the change (or an ensemble of new ones) "
        "scores above a new one without; a change is called meaningful from 75% on (Bouthillier et al. 2021)",
        "p, adjusted": "p, adjusted for the family-wise error rate (FWER): times the number of simultaneous intervals",
        "step": "a contrast that the answer judges",
        "verdict": f"▲ *resolved up* or ▼ *down* where the simultaneous interval leaves 0 out; = *practically "
        f"equivalent* where it lies within the margin of ±{margin:g}; *identical* where no prediction differs; "
        f"? *unresolved* else, which is not *no effect*. It takes {MIN_SEEDS} seeds",
        "what it would take": "seeds on today's patients, or patients with today's seeds, that would resolve a Δ that one wants "
        f"to see: {wanted}",
    }
