"""Where a study keeps what belongs to a model or an ensemble; the only place here that knows paths."""

import csv
import json
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json

if TYPE_CHECKING:
    from cxrlt_core.designs.text_encoder import TextEncoder
    from cxrlt_core.serving.model_card import Known

#: Kind to the file that its folder holds, and to the folder of a study where all of the kind lie.
FOLDERS = {"model": ("config.json", "models"), "ensemble": ("ensemble.json", "ensembles")}

#: What the numbers of a card's classes are about.
DEVELOPMENT = """AP, AUROC and counts: this training alone (seed {seed}), without test-time augmentation, on
the development set of {images:,} images of {patients:,} patients; {level:.0%} intervals of the patients, from
{resamples:,} resamples."""
TEST = """AP, AUROC and counts: the row `{row}` on the test set, with its test-time augmentation; a mean over
the seeds of training, with intervals of the patients and, with several seeds, of trainings."""


def find_folder(kind: str, name: str) -> Path:
    """Return the folder of a model or an ensemble, from its path or its name in the study here, seed or not.

    StudyError when there is none, or one of several seeds is to be named.
    """
    file, home = FOLDERS[kind]
    for folder in (Path(name), Path(home) / name):
        if (folder / file).exists():
            return folder
        seeds = sorted(path.parent for path in folder.glob(f"*/{file}"))
        if len(seeds) == 1:
            return seeds[0]
        if seeds:
            raise StudyError(f"--{kind} {name}: expected one of {', '.join(map(str, seeds))}")
    known = sorted({path.parent.parent.name for path in Path(home).glob(f"*/*/{file}")})
    advice = f"; {home}/ has {', '.join(known)}" if known else ""
    raise StudyError(f"--{kind} {name}: no folder with {file}{advice}")


class StudyFolder:
    """What a study knows of one of its models or ensembles; nothing, where a folder lies outside of one.

    What is of another training under the same name, as before an evaluation or a report, is left out, and a
    line on stderr says so.
    """

    def __init__(self, folder: Path) -> None:
        """Look for the study that a folder such as models/<variant>/<seed> lies in."""
        self._folder = folder
        self.name, self.seed = folder.resolve().parts[-2:]
        self.is_ensemble = (folder / FOLDERS["ensemble"][0]).exists()
        home = FOLDERS["ensemble" if self.is_ensemble else "model"][1]
        parents = folder.resolve().parents
        self._root = parents[2] if len(parents) > 2 and parents[1].name == home else None

    def calibration(self) -> Mapping[str, Any] | None:
        """Return the thresholds and the temperature of a model, as the stage ``evaluate`` fitted them."""
        path = f"metrics/dev/{self.name}.json"
        metrics = self._read(path)
        if not metrics or not self._is_of_this(path, metrics.get("models", {}).get(self.seed)):
            return None
        return metrics["calibration"][self.seed]

    def text_encoder(self, name: str) -> "TextEncoder":
        """Return a text encoder as the study has it, with its prompt; StudyError where there is no study.

        Of a hub it is the commit that the labels were encoded with.
        """
        from cxrlt_core.designs.text_encoder import TextEncoder
        from cxrlt_core.system.tensors import read_tensor_metadata

        stated, embedded = self._existing(f"data/settings/text/{name}.json"), f"data/text/{name}.safetensors"
        if stated is None or self._existing(embedded) is None:
            what = f"the text encoder {name!r} of its study, data/settings/text and data/text, is not there"
            raise StudyError(f"{self._folder}: {what}; expected models/<variant>/<seed> of a study")
        entry = TextEncoder(**{k: v for k, v in read_json(stated).items() if k in TextEncoder.model_fields})
        commit = read_tensor_metadata(self._root / embedded).get("revision", "local")
        local = self._root / entry.model
        place = {"model": str(local)} if local.is_dir() else {}
        return entry.model_copy(update={**place, "revision": None if commit == "local" else commit})

    def rows(self) -> list[Mapping[str, Any]]:
        """Return the rows of Table 1 or Table 2 that show it: as reports/table*.csv, None where undefined."""
        rows = [row for row in self._table() if row["row"].split("+")[0] == self.name]
        if not rows or not self._is_of_this(self._table_path, self._models_of(rows[0]["row"])):
            return []
        return [{key: _read_cell(key, cell) for key, cell in row.items()} for row in rows]

    def note(self) -> str:
        """Return what the tables say must stand beside every number, such as that the data are synthetic."""
        return next((row["note"] for row in self._table() if row.get("note")), "")

    def known(self) -> "Known":
        """Return all that a model card tells."""
        from cxrlt_core.serving.model_card import Known

        classes, scored = self._test_scores() if self.is_ensemble else self._development_scores()
        return Known(self.rows(), classes, scored, self.note(), self._read("data/summary.json"))

    def _test_scores(self) -> tuple[Mapping[str, Mapping], str]:
        """Return the classes of an ensemble as the stage ``ensemble`` scored them."""
        rows = (self._read("metrics/ensemble.json") or {"rows": {}})["rows"]
        if self.name not in rows:
            return {}, ""
        return rows[self.name]["classes"], TEST.format(row=self.name)

    def _development_scores(self) -> tuple[Mapping[str, Mapping], str]:
        """Score the classes of a model by the predictions that the stage ``evaluate`` wrote."""
        path = f"predictions/dev/{self.name}/{self.seed}.parquet"
        predictions = self._existing(path)
        labels, settings = self._existing("data/sets/dev.parquet"), self._read("data/settings/params.json")
        if not predictions or not labels or not settings:
            return {}, ""
        from cxrlt_core.evidence.trainings import class_scores
        from cxrlt_core.params.schema import Bootstrap
        from cxrlt_core.prediction.study_level import aggregate
        from cxrlt_core.system.files import read_parquet, read_parquet_metadata

        model = json.loads(read_parquet_metadata(predictions).get("model", "null"))
        if not self._is_of_this(path, model):
            return {}, ""
        groups = {name: entry["group"] for name, entry in self._read("data/sets/classes.json").items()}
        data, names, bootstrap = read_parquet(labels), [*groups], Bootstrap(**settings["bootstrap"])
        images, rule = read_parquet(predictions)[names].to_numpy(), settings["study"]["aggregate"]
        probabilities = aggregate(images, data["study_id"], data["view"], rule)
        patients = data["patient_id"]
        counts = {"images": len(data), "patients": patients.nunique()}
        scored = DEVELOPMENT.format(seed=self.seed, **counts, **bootstrap.model_dump(exclude={"seed"}))
        return class_scores(data[names].to_numpy(), probabilities, patients, groups, bootstrap), scored

    def _models_of(self, row: str) -> Any:
        """Return which model of this seed made a row of the tables; of an ensemble, which models."""
        rows = (self._read("reports/provenance.json") or {}).get(Path(self._table_path).stem, {})
        models = {name: seeds.get(self.seed) for name, seeds in rows.get(row, {}).get("models", {}).items()}
        return list(models.values()) if self.is_ensemble else models.get(self.name)

    def _is_of_this(self, path: str, models: Any) -> bool:
        """Whether a file was made of what the folder holds; a line says so if it was not."""
        if models is not None and models == self._held:
            return True
        print(f"{path}: not of {self._folder}, left out; expected dvc repro", file=sys.stderr)
        return False

    @cached_property
    def _held(self) -> Any:
        """SHA-256 of the files of the model; of an ensemble, of each member's."""
        if self.is_ensemble:
            from cxrlt_core.serving.ensemble_folder import read_ensemble

            return [member.sha256 for member in read_ensemble(self._folder).members]
        from cxrlt_core.model.folder import model_marks

        return model_marks(self._folder)

    @property
    def _table_path(self) -> str:
        return f"reports/table{2 if self.is_ensemble else 1}.csv"

    def _table(self) -> list[Mapping[str, str]]:
        path = self._existing(self._table_path)
        if not path:
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def _existing(self, path: str) -> Path | None:
        file = self._root and self._root / path
        return file if file and file.exists() else None

    def _read(self, path: str) -> Any:
        file = self._existing(path)
        return read_json(file) if file else None


def _read_cell(column: str, cell: str) -> str | float | None:
    return cell if not column.startswith("mA") else float(cell) if cell else None
