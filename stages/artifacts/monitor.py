"""What can be seen of a running training: loss, and development mAP on a fixed sample. Nothing chooses by it.

A training gives the same weights with and without it. The scores of a run lie beside its checkpoint with the
sample and the code that they are of, and in its history with the code; where these are others now, nothing is
shown, and no training is due.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.model.classifier import ModelConfig
from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import resolved
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import file_hash, read_json, write_json, write_text
from cxrlt_core.system.rounding import or_none
from cxrlt_core.training.loop import OnEpochEnd
from cxrlt_core.training.state import State
from stages.artifacts.arrays import open_images
from stages.artifacts.history import history_path, scored_by
from stages.artifacts.paths import set_path
from stages.artifacts.sets import read_set

Scores = dict[str, float | None]  # epoch to mAP, as JSON has them


class Monitor:
    """Writes models/<variant>/history.csv anew after each epoch, all seeds together."""

    def __init__(self, params: Params, variant: str, config: ModelConfig, ranks: Ranks) -> None:
        """Open the sample, if ``train.monitor`` wants it; ``config`` is that of the models."""
        self._path = history_path(variant)
        self._tables: dict[int, pd.DataFrame] = {}
        whole = resolved(params, variant)
        self._every = whole.train.monitor if ranks.is_main else 0
        self._config, self._device, self._batch_size = config, ranks.device, params.compute.batch_size
        if self._every:
            self._data = read_set("monitor")
            self._images = open_images(self._data, params, whole.image)
            self._origin = {"sample": file_hash(set_path("monitor")), "code": scored_by()}

    def follow(self, seed: int, checkpoint: Path) -> OnEpochEnd:
        """Return what the training of a seed shows its state to."""
        return partial(self._write, seed, checkpoint.with_suffix(".monitor.json"))

    def _write(self, seed: int, log: Path, state: State) -> None:
        scores = self._look(log, state) if self._every else {}
        history = pd.DataFrame(state.history).assign(seed=seed)
        self._tables[seed] = history.assign(dev_mAP=history["epoch"].astype(str).map(scores).astype(float))
        together = pd.concat(self._tables.values())[["seed", *state.history[0], "dev_mAP"]]
        write_text(self._path, together.assign(scored_by=scored_by()).to_csv(index=False))

    def _look(self, log: Path, state: State) -> Scores:
        """Score the model if its turn has come and the log lacks it; return what is known of the run."""
        scores, epoch = self._read(log), state.history[-1]["epoch"]
        if str(epoch) not in scores and (state.finished or epoch % self._every == 0):
            scores[str(epoch)] = self._score(state)
            write_json(log, {**self._origin, "mAP": scores})
        return scores

    def _read(self, log: Path) -> Scores:
        try:
            logged = read_json(log)
        except StudyError:  # none, or torn
            return {}
        return logged["mAP"] if self._origin.items() <= logged.items() else {}

    def _score(self, state: State) -> float | None:
        # imported here: a training without a monitor needs neither
        from cxrlt_core.metrics.scores import average_precision
        from cxrlt_core.prediction.inference import Scorer, predict

        scorer = Scorer(state.model, self._config.pixels, self._config.precision)
        [probabilities] = predict(scorer, self._images, self._device, self._batch_size)
        precision = average_precision(self._data.targets, probabilities)
        precision = precision[np.isfinite(precision)]
        return or_none(float(np.mean(precision))) if precision.size else None
