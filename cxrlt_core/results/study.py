"""All that a report and its figures show of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxrlt_core.evidence.alarms import NoiseAlarm
from cxrlt_core.evidence.effects import MainEffects
from cxrlt_core.evidence.external import ExternalResults
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.zero_shot import ZeroShotResults
from cxrlt_core.params.schema import Params
from cxrlt_core.results import models
from cxrlt_core.results.data import ClassInfo, Data
from cxrlt_core.results.tables import Table


@dataclass(frozen=True)
class Origins:
    """Where numbers come from."""

    encoders: Mapping[str, models.Encoder]  # image encoder to what it is
    texts: Mapping[str, Mapping[str, Any]]  # text encoder to the origin of its weights
    embedded: Mapping[str, Mapping[str, str]]  # text encoder to what computed its embeddings
    report: Mapping[str, str]  # what writes the report: code and versions


@dataclass(frozen=True)
class Results:
    """What a study found."""

    params: Params
    data: Data
    classes: Mapping[str, ClassInfo]  # of the label space
    tables: tuple[Table, Table]  # Table 1, on development data, and Table 2, on test data
    effects: MainEffects  # of Table 1
    scored: ScoredTable  # the rows of Table 1 on resamples
    ensembles: models.EnsembleScores  # behind Table 2
    targets: np.ndarray  # of the primary training set, int8 (N, C), in the order of ``data.classes``
    weights: Mapping[str, models.ClassWeights]  # by the name of the reweighting
    upweighted: Mapping[
        str, Mapping[str, float]
    ]  # the same to class to the share of resamples that put it up
    history: Sequence[models.Epoch]  # of all trainings
    costs: Mapping[str, Sequence[models.Cost]]  # variant to its trainings, one a seed
    attention: models.Attention  # where the base variant looks
    origins: Origins
    # variant to the seconds that predicting an image once took, seed by seed
    predicted: Mapping[str, Sequence[float]] = field(default_factory=dict)
    alarms: Sequence[NoiseAlarm] = ()  # what speaks against trainings of one noise
    examples: Sequence[models.Example] = ()  # images that may be shown
    looks: Sequence[models.Look] = ()  # the same, with what the base variant attends to
    seen: Mapping[str, models.Seen] = field(default_factory=dict)  # by image encoders that have a list
    external: Mapping[str, ExternalResults] = field(default_factory=dict)  # sets that have not been seen
    attended: Mapping[str, models.Attention] = field(default_factory=dict)  # the same, those with boxes
    zero_shot: Mapping[str, ZeroShotResults] = field(default_factory=dict)  # variants that were asked

    @property
    def shown(self) -> tuple[str, models.Ensemble]:
        """The ensemble whose classes are shown, by name: the last class-wise one, or else the last.

        Of the published rows, if there are any: those beyond take them apart.
        """
        rows = [row for row in self.params.table2 if row.published is not None] or self.params.table2
        name = [row.name for row in rows if row.method == "class_wise"] or [rows[-1].name]
        return name[-1], self.ensembles.rows[name[-1]]

    @property
    def has_published(self) -> bool:
        """Whether any row has a published figure to be compared with."""
        return any(table.has_published for table in self.tables)

    def chance(self, split: str) -> float | None:
        """The mAP of scores drawn at random: the mean share of positives; None where no class is defined."""
        counts = self.data.sets[split].classes.values()
        shares = [labels.positive / labels.known for labels in counts if labels.positive and labels.negative]
        return sum(shares) / len(shares) if shares else None
