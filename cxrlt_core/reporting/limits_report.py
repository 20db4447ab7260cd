"""What may not be believed of a study: the section of the report that says so."""

from collections.abc import Iterator

from cxrlt_core.reporting import evidence_report as evidence
from cxrlt_core.results.study import Results


def limits_section(results: Results) -> str:
    """Write the section: a line a limit that this study has."""
    lines = "".join(f"- {line}\n" for line in _limits(results))
    return f"## What may not be believed\n\n{lines}"


def _limits(results: Results) -> Iterator[str]:
    params = results.params
    yield """**Unresolved is not "no effect"**: a design that moves less than the minimum detectable Δ cannot be judged by a \
study of this size."""
    shift = (
        "" if results.external else "; development and test set are drawn from it, so no shift is measured"
    )
    yield f"""**One source, one way to label**: intervals of Table 1 and Table 2 are about the patients of `{params.data.primary}`, \
nobody else's{shift}."""
    if any(table.has_published for table in results.tables):
        yield """**Published figures** are of other data, models and sizes; mAP of sets of other size or prevalence is another \
quantity. They enter no computation."""
    if any(row.selected for row in results.tables[0].rows):
        yield """**Class weights** are taken as given: that other development patients would upweight \
[other classes](appendix/table1.md#upweighted-classes) is in no interval."""
    yield _rare(results)
    if len(params.train.seeds) > 1:
        yield """**The next training** can reverse a step that is resolved: how often one with the change would win is *P*, \
[difference by difference](appendix/table1.md#every-difference)."""
        yield evidence.alarms_text(results)


def _rare(results: Results) -> str:
    """Say how few patients the rarest classes have, and which classes are too rare for a verdict."""
    least = results.params.evidence.min_positives
    fewest = " and ".join(f"{min(t.positives.values(), default=0)} {t.data}" for t in results.tables)
    words = f"**Rare classes**: of the rarest class, {fewest} patients are positive."
    rare = {
        table.data: [f"{label} ({n})" for label, n in table.positives.items() if n < least]
        for table in results.tables
    }
    named = [f"{', '.join(labels)} in the {data} set" for data, labels in rare.items() if labels]
    if not named:
        return words
    return f"{words} Those with fewer than {least} bear no verdict and are left out of differences: {'; '.join(named)}."
