"""Where a study keeps what belongs to a model or an ensemble; the only place here that knows paths."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json

#: Kind to the file that its folder holds, and to the folder of a study where all of the kind lie.
KINDS = {"model": ("config.json", "models"), "ensemble": ("ensemble.json", "ensembles")}


def find_folder(kind: str, name: str) -> Path:
    """Return the folder of a model or an ensemble.

    Args:
        kind: a key of :data:`KINDS`.
        name: the folder, or its name in the study of the working directory; of a single seed without it.

    Raises:
        StudyError: when there is none, or one of several seeds is to be named.
    """
    file, home = KINDS[kind]
    for folder in (Path(name), Path(home) / name):
        if (folder / file).exists():
            return folder
        seeds = sorted(path.parent for path in folder.glob(f"*/{file}"))
        if len(seeds) == 1:
            return seeds[0]
        if seeds:
            raise StudyError(f"--{kind} {name}: expected one of {', '.join(map(str, seeds))}")
    known = sorted({path.parent.parent.name for path in Path(home).glob(f"*/*/{file}")})
    found = f"; {home}/ has {', '.join(known)}" if known else ""
    raise StudyError(f"--{kind} {name}: no folder with {file}{found}")


class Study:
    """What a study knows of one of its models or ensembles; nothing, where a folder lies outside of one."""

    def __init__(self, folder: Path) -> None:
        """Look for the study that a folder such as models/<variant>/<seed> lies in."""
        self.name, self.seed = folder.resolve().parts[-2:]
        self.is_ensemble = (folder / KINDS["ensemble"][0]).exists()
        home = KINDS["ensemble" if self.is_ensemble else "model"][1]
        parents = folder.resolve().parents
        self._root = parents[2] if len(parents) > 2 and parents[1].name == home else None

    def calibration(self) -> Mapping[str, Any] | None:
        """Return the thresholds and the temperature of a model, as the stage ``evaluate`` fitted them."""
        metrics = self._read(f"metrics/dev/{self.name}.json") or {}
        return metrics.get("calibration", {}).get(self.seed)

    def classes(self) -> Mapping[str, Mapping[str, Any]] | None:
        """Return the metrics of each class: of a model on development data, of an ensemble on test data."""
        if not self.is_ensemble:
            return (self._read(f"metrics/dev/{self.name}.json") or {}).get("classes")
        rows = (self._read("metrics/ensemble.json") or {"rows": {}})["rows"]
        return rows.get(self.name, {}).get("classes")

    def rows(self) -> list[Mapping[str, str]]:
        """Return the rows of Table 1 or Table 2 that show it, as reports/table*.csv has them."""
        path = self._root and self._root / f"reports/table{2 if self.is_ensemble else 1}.csv"
        if not path or not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if row["row"].split("+")[0] == self.name]

    def data(self) -> Mapping[str, Any] | None:
        """Return the counts of data/summary.json."""
        return self._read("data/summary.json")

    def _read(self, path: str) -> Any:
        if self._root is None or not (self._root / path).exists():
            return None
        return read_json(self._root / path)
