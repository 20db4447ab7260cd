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
    return f"""Can the model find what it was never trained on, by name alone? Each class was hidden from one of several \
trainings of a variant: its labels, its name, its prior and its weight were not there. Classes that tell of it kept their \
names and had no label: those that exclude it, of which all findings are a kind, or that another label space relates to the \
same finding. Then the training was asked for the class, with the prompt of the text encoder, which was fixed before. Its name gets \
coordinates among the trained ones (Nyström), and ‖c‖² is the share of it that they express. Nothing was chosen, and no test \
image is used.

*Chance* is the share of positives. *The nearest* is the trained label whose name is most like that of the class, by the text \
encoder alone: what its score does for the hidden class is to be had without zero-shot. Numbers near these two are a \
result: the name told the model no more. Intervals ({params.bootstrap.level:.0%}) resample the patients of the development set, the same for all; each \
stands by itself, and another training would move the numbers besides.

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
The mean is over the classes with enough positive patients (`evidence.min_positives`), {len(one.counted)}.{apart}

Folds, each a training:

{folds}"""


def _answer(one: ZeroShotResults) -> str:
    """Say for how many classes AP is above chance, and above the nearest label, beyond its interval."""
    counted = [one.classes[name].numbers for name in one.counted]

    def above(kind: str, what: str) -> str:
        intervals = [getattr(numbers, kind)["AP"] for numbers in counted]
        up = sum((interval.low or 0) > 0 for interval in intervals)
        down = sum((interval.high or 0) < 0 for interval in intervals)
        return f"above {what} for {up} and below for {down}"

    return (
        f"Of {len(counted)} with enough positive patients AP is {above('over_chance', 'chance')}; "
        f"{above('over_nearest', 'the nearest label')}, where the interval leaves 0 out."
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
