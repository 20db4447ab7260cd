"""Hidden classes: what a model says of labels that its training did not know, beside what costs nothing."""

from cxrlt_core.evidence.zero_shot import METRICS, Compared, ZeroShotResults
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

HEADER = [
    *("AP", "chance", "AP over chance", "AP of the nearest", "AP over the nearest"),
    *("AUROC", "AUROC of the nearest", "AUROC over the nearest"),
]


def zero_shot_sections(results: Results) -> str:
    """Return the page: a section a variant."""
    params = results.params
    sections = "\n".join(_variant(name, one) for name, one in results.zero_shot.items())
    return f"""Each class was hidden from one of several trainings of a variant, which was then asked for it by its name. Its \
labels, its name, its prior and its weight were not there, nor were labels of classes that tell of it: those that exclude it, \
of which all findings are a kind, or to which another label space relates both. The prompt was the text encoder's, fixed before, and \
nothing was chosen. A name gets coordinates among the trained ones (Nyström); ‖c‖² is the share of it that they \
express. Trained labels do not look at it.

*Chance* is the share of positives. *The nearest* is the trained label with labels whose name is most like it by the text encoder alone: its score, \
taken for that of the hidden class, costs no zero-shot. An AP near both is a result: the name told the model nothing \
that they do not. Intervals ({params.bootstrap.level:.0%}) resample the patients of the development set, the same for all; another \
training would move the numbers besides. No test image is used.

{sections}"""


def _variant(name: str, one: ZeroShotResults) -> str:
    mean = [["mean", "", "", "", "", *_cells(one.mean)]] if one.counted else []
    lines = [
        [
            label,
            str(hidden.fold),
            f"{hidden.positive:,} of {hidden.known:,}",
            text.number(hidden.expressed, 2),
            f"{hidden.nearest} ({text.number(hidden.cosine, 2)})",
            *_cells(hidden.numbers),
        ]
        for label, hidden in one.classes.items()
    ]
    folds = "".join(
        f"- {number}: hidden {', '.join(hidden)}; without labels {', '.join(unknown) or 'none'}\n"
        for number, (hidden, unknown) in enumerate(zip(one.hidden, one.unknown, strict=True), 1)
    )
    header = ["class", "fold", "positive", "‖c‖²", "nearest (cosine)", *HEADER]
    apart = f" Not hidden: {', '.join(one.apart)}, which all other labels tell." if one.apart else ""
    return f"""## `{name}`

Seed {one.seed}, prompt `{one.prompt}`; {one.images:,} development images of {one.patients:,} patients. {_answer(one)}

{markdown_table(header, [*mean, *lines])}
The mean is over {len(one.counted)} classes with enough positive patients (`evidence.min_positives`).{apart}

Folds, each a training:

{folds}"""


def _answer(one: ZeroShotResults) -> str:
    """Say of how many classes AP is above chance and above the nearest label, beyond its interval."""
    counted = [one.classes[name].numbers for name in one.counted]

    def above(kind: str) -> str:
        intervals = [getattr(numbers, kind)["AP"] for numbers in counted]
        up = sum((interval.low or 0) > 0 for interval in intervals)
        down = sum((interval.high or 0) < 0 for interval in intervals)
        return f"above for {up}, below for {down}"

    return (
        f"Of {len(counted)} classes AP is, with an interval that leaves 0 out, {above('over_chance')} of chance; "
        f"{above('over_nearest')} of the nearest label."
    )


def _cells(numbers: Compared) -> list[str]:
    ap, auroc = METRICS
    return [
        text.within(*numbers.zero_shot[ap]),
        text.number(numbers.chance[ap]),
        text.bounded(*numbers.over_chance[ap]),
        text.within(*numbers.nearest[ap]),
        text.bounded(*numbers.over_nearest[ap]),
        text.within(*numbers.zero_shot[auroc]),
        text.within(*numbers.nearest[auroc]),
        text.bounded(*numbers.over_nearest[auroc]),
    ]
