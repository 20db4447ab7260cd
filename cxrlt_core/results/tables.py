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
    """One row of a table."""

    name: str  # unique in its table
    design: dict[str, str]  # column to cell text, which design is on
    metrics: dict[str, float | None]  # four decimals; mAP_corrected is less small-sample bias
    std_errors: dict[str, float | None]  # of each mean
    seeds: Sequence[float | None]  # mAP of each
    difference: Interval  # of mAP to the first row
    published: float | None  # mAP
    selected: bool = False  # development data chose something in this row, and it is scored on them
    label: str = ""  # its designs in a few words

    @property
    def mean_ap(self) -> Interval:
        """The mAP with its interval."""
        return Interval(*(self.metrics[f"mAP{end}"] for end in ("", "_low", "_high")))


@dataclass(frozen=True)
class Table:
    """A table of the study, and what compares its rows."""

    number: int  # 1 or 2
    split: str  # that the rows are scored on, dev or test
    rows: Sequence[Row]  # at least one
    contrasts: Sequence[Contrast]
    power: PowerAnalysis  # what it would take to resolve them
    positives: Mapping[str, int]  # class to its positive patients in the split

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
    def has_published(self) -> bool:
        """Whether a row has a published figure to be compared with."""
        return any(row.published is not None for row in self.rows)

    @property
    def steps(self) -> list[Contrast]:
        """The contrasts that are judged; all where none is."""
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
