"""All that a report tells, read and scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.evidence_report import shown_ensemble
from cxrlt_core.reporting.tables import Row


@dataclass(frozen=True)
class Study:
    """What the report tells.

    Attributes:
        params: of the study.
        summary: content of data/summary.json.
        classes: class to group and training prevalence.
        table1: rows, scored on development data.
        table2: rows, scored on test data.
        ensembles: row name to its entry in metrics/ensemble.json.
        contrasts: table to its contrasts, as plain values.
        effects: main effects of Table 1, as plain values.
        planner: table to what it would take, see :func:`cxrlt_core.evidence.power_analysis.power_analysis`.
        positives: dev and test, to class to its positive patients.
        costs: variant to its models' cost.json, one a seed.
        texts: text encoder to the origin of its weights.
        weights: name of a reweighting to the content of its weights file.
        upweighted: the same to class to the share of development resamples in which it would be put up.
        encoders: image encoder to its data/encoders/<name>.json.
        versions: package to version.
        revision: of the code.
        attention: content of metrics/attention.json.
        figures: name of each that was drawn to its caption.
    """

    params: Params
    summary: Mapping
    classes: Mapping[str, Mapping]
    table1: Sequence[Row]
    table2: Sequence[Row]
    ensembles: Mapping[str, Mapping]
    contrasts: Mapping[str, Sequence[Mapping]]
    effects: Mapping
    planner: Mapping[str, Mapping]
    positives: Mapping[str, Mapping[str, int]]
    costs: Mapping[str, Sequence[Mapping]]
    texts: Mapping[str, Mapping]
    weights: Mapping[str, Mapping]
    upweighted: Mapping[str, Mapping[str, float]]
    encoders: Mapping[str, Mapping]
    versions: Mapping[str, str]
    revision: str
    attention: Mapping
    figures: Mapping[str, str]

    @property
    def tables(self) -> dict[str, Sequence[Row]]:
        """Both tables by name."""
        return {"table1": self.table1, "table2": self.table2}

    @property
    def shown(self) -> str:
        """The ensemble whose classes are shown."""
        return shown_ensemble(self.params)
