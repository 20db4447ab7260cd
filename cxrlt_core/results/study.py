"""All that a report and its figures show of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxrlt_core.evidence.effects import MainEffects
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.params.schema import Params
from cxrlt_core.results.data import ClassInfo, Data
from cxrlt_core.results.models import (
    Attention,
    ClassWeights,
    Cost,
    Encoder,
    Ensemble,
    EnsembleScores,
    Epoch,
    Example,
    Look,
)
from cxrlt_core.results.tables import Table


@dataclass(frozen=True)
class Origins:
    """Where numbers come from: encoders by name (of texts the origin of the weights), packages and code."""

    encoders: Mapping[str, Encoder]
    texts: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]
    revision: str


@dataclass(frozen=True)
class Results:
    """What a study found.

    Attributes:
        tables: Table 1, on development data, and Table 2, on test data.
        effects: of Table 1.
        scored: the rows of Table 1 on resamples.
        ensembles: behind Table 2.
        targets: labels of the primary training set, int8 (N, C), in the order of ``data.classes``.
        weights: by the name of the reweighting.
        upweighted: the same to class to the share of development resamples in which it would be put up.
        history: of all trainings.
        costs: variant to its trainings, one a seed.
        examples: images that may be shown.
        looks: images that may be shown, with what the base variant attends to.
    """

    params: Params
    data: Data
    classes: Mapping[str, ClassInfo]
    tables: tuple[Table, Table]
    effects: MainEffects
    scored: ScoredTable
    ensembles: EnsembleScores
    targets: np.ndarray
    weights: Mapping[str, ClassWeights]
    upweighted: Mapping[str, Mapping[str, float]]
    history: Sequence[Epoch]
    costs: Mapping[str, Sequence[Cost]]
    attention: Attention
    origins: Origins
    examples: Sequence[Example] = field(default_factory=list)
    looks: Sequence[Look] = field(default_factory=list)

    @property
    def shown(self) -> tuple[str, Ensemble]:
        """The ensemble whose classes are shown, by name: the last class-wise one, or else the last."""
        rows = self.params.table2
        name = [row.name for row in rows if row.method == "class_wise"] or [rows[-1].name]
        return name[-1], self.ensembles.rows[name[-1]]
