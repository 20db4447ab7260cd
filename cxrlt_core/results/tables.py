"""The tables of a study: their rows, and what compares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cxrlt_core.evidence.contrasts import Contrast, published_steps
from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.power_analysis import PowerAnalysis

SPLITS = {"dev": "development", "test": "test"}


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: unique in its table.
        design: column to cell text, which design is on.
        metrics: mAP, mAP_low, mAP_high, mAP_corrected (less small-sample bias), the group means and mAUROC,
            four decimals; None undefined.
        std_errors: standard error of each mean.
        seeds: mAP of each training seed.
        difference: of mAP to the first row.
        published: the paper's mAP.
        selected: development data chose something in this row, and it is scored on them.
        label: its designs in a few words.
    """

    name: str
    design: dict[str, str]
    metrics: dict[str, float | None]
    std_errors: dict[str, float | None]
    seeds: Sequence[float | None]
    difference: Interval
    published: float | None
    selected: bool = False
    label: str = ""

    @property
    def mean_ap(self) -> Interval:
        """The mAP with its interval."""
        return Interval(*(self.metrics[f"mAP{end}"] for end in ("", "_low", "_high")))


@dataclass(frozen=True)
class Table:
    """A table of the study, and what compares its rows.

    Attributes:
        number: 1 or 2.
        split: that the rows are scored on, dev or test.
        contrasts: of the rows.
        power: what it would take to resolve them.
        positives: class to its positive patients in the split.
    """

    number: int
    split: str
    rows: Sequence[Row]
    contrasts: Sequence[Contrast]
    power: PowerAnalysis
    positives: Mapping[str, int]

    @property
    def name(self) -> str:
        """As files and sections name it: ``table1``."""
        return f"table{self.number}"

    @property
    def title(self) -> str:
        """As people name it: ``Table 1``."""
        return f"Table {self.number}"

    @property
    def data(self) -> str:
        """What the rows are scored on, in words: development or test."""
        return SPLITS[self.split]

    @property
    def steps(self) -> list[Contrast]:
        """The contrasts of published rows; all where nothing is published."""
        return published_steps(self.contrasts)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Row to its number."""
        return {row.name: number for number, row in enumerate(self.rows, 1)}

    def labels(self) -> list[str]:
        """Each row by its number and designs."""
        return [f"{number}  {row.label}" for number, row in enumerate(self.rows, 1)]

    def rows_text(self, names: Sequence[str]) -> str:
        """Name the rows of a contrast by their numbers: ``2 − 1``, or ``9 − 8 − (7 − 6)``."""
        pairs = zip(names[::2], names[1::2], strict=True)
        first, *rest = (f"{self.numbers[row]} − {self.numbers[reference]}" for row, reference in pairs)
        return " − ".join([first, *(f"({pair})" for pair in rest)])
