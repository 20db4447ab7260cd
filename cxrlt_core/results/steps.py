"""The steps that a study judges: ranked by what they gain, with what each costs beside its reference."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cxrlt_core.evidence.contrasts import PRIMARY, Contrast
from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table

MANY = 3  # steps that share a row, from which on it is called theirs
LEAST = 0.05  # seconds; they are rounded to a tenth
SPREAD = 1.25  # seeds of one training that differ by more in time had not the machine alike


@dataclass(frozen=True)
class Cost:
    """What a row costs: seconds of training an image, seed by seed, of predicting one, and MiB at most.

    Seconds are those of all models of a row, and of all views; None where they were not measured.
    """

    training: Sequence[float]
    prediction: float | None
    memory: int


@dataclass(frozen=True)
class Ratio:
    """What a row costs as a multiple of the row that it is compared with."""

    training: Interval  # of the fastest seeds; least and most of any two
    prediction: float | None
    memory: float


@dataclass(frozen=True)
class Step:
    """A comparison of two rows of a table."""

    table: Table
    contrast: Contrast

    @property
    def rows(self) -> str:
        """Its table and its rows, by number."""
        return f"{self.table.title}: {self.table.rows_text(self.contrast.rows)}"


def changed(contrast: Contrast) -> str:
    """Say in a few words what a comparison changes, and to what: ``MixUp``, ``loss asl``."""
    change = contrast.change.removeprefix("off → ").replace("✓", "")
    return f"{contrast.what} {change}".rstrip()


def is_bag(results: Results) -> bool:
    """Whether the study declares which pairs it judges, so that its steps can be ranked."""
    return bool(results.params.evidence.primary)


def ranked(results: Results) -> list[Step]:
    """Return the steps that are judged, of both tables, by falling difference; undefined ones are last."""
    steps = [Step(table, c) for table in results.tables for c in table.contrasts if c.family == PRIMARY]
    points = [step.contrast.difference.point for step in steps]
    order = sorted(range(len(steps)), key=lambda n: (points[n] is None, -(points[n] or 0)))
    return [steps[n] for n in order]


def hubs(steps: Sequence[Step]) -> str:
    """Say which rows many steps share: they change a thing of one, or take one out of it."""
    first = Counter((s.table.title, s.table.numbers[s.contrast.rows[1]]) for s in steps)
    last = Counter((s.table.title, s.table.numbers[s.contrast.rows[0]]) for s in steps)
    words = [
        f"{n} change row {row} of {title} (*n* − {row})" for (title, row), n in first.items() if n >= MANY
    ]
    words += [
        f"{n} take something out of row {row} ({row} − *n*)" for (_, row), n in last.items() if n >= MANY
    ]
    return f"Of the steps {'; '.join(words)}." if words else ""


def models_of(results: Results, table: Table, row: str) -> tuple[list[str], int]:
    """Return the variants behind a row, and the views that each of them sees an image in."""
    views = results.params.tta.views
    if table.number == 1:
        [entry] = [entry for entry in results.params.table1 if entry.name == row]
        return [entry.variant], views if entry.tta else 1
    return list(results.ensembles.rows[row].models), views


def cost(results: Results, table: Table, row: str) -> Cost:
    """Return what a row costs."""
    names, views = models_of(results, table, row)
    trained = zip(*(results.costs[name] for name in names), strict=True)
    times = [sum(max(c.seconds, LEAST) / (c.images * c.passes) for c in seed) for seed in trained]
    predicted = [results.predicted.get(name) for name in names]
    known = [min(seconds) for seconds in predicted if seconds]
    memory = max(c.peak_memory_mib for name in names for c in results.costs[name])
    return Cost(times, views * sum(known) if len(known) == len(names) else None, memory)


def ratio(results: Results, step: Step) -> Ratio:
    """Return what a step costs: what else ran on the machine only adds, so the fastest seeds are compared."""
    row, reference = (cost(results, step.table, name) for name in step.contrast.rows)
    least, most = min(row.training), max(row.training)
    times = (
        least / min(reference.training),
        least / max(reference.training),
        most / min(reference.training),
    )
    prediction = None
    if row.prediction is not None and reference.prediction is not None:
        prediction = round(row.prediction / reference.prediction, 3)
    training = Interval(*(round(value, 3) for value in times))
    return Ratio(training, prediction, round(row.memory / reference.memory, 3))


def busy(results: Results) -> list[str]:
    """Name the variants whose seeds differ in time by more than a lone machine makes them differ."""
    times = {name: [cost.seconds for cost in costs] for name, costs in results.costs.items()}
    return [name for name, its in times.items() if max(its) > SPREAD * min(its)]
