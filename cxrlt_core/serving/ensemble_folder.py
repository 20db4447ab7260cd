"""The folder of an ensemble: ensemble.json, which names its members by place and content."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import existing, read_json, write_json

FILE = "ensemble.json"


@dataclass(frozen=True)
class Member:
    """A model: its folder, relative to that of the ensemble, and the SHA-256 of each of its files."""

    folder: str
    sha256: Mapping[str, str]


@dataclass(frozen=True)
class EnsembleConfig:
    """All that an ensemble is beside its members."""

    classes: Sequence[str]  # names of the C classes
    members: Sequence[Member]  # M models
    weights: Mapping[str, Sequence[float]]  # class to the weight of each member
    calibration: Mapping[str, Any]  # ``temperature``, and ``thresholds``, class to threshold or null
    tta: Mapping[str, Any]  # ``views``, ``seed`` and ``augment`` of test-time augmentation
    aggregate: str  # how the study scored the images of one study together: none, mean or view_weighted


def write_ensemble(folder: Path | str, config: EnsembleConfig) -> None:
    """Write ensemble.json."""
    write_json(Path(folder) / FILE, asdict(config))


def read_ensemble(folder: Path | str) -> EnsembleConfig:
    """Read ensemble.json; StudyError when it is absent or broken."""
    path = existing(Path(folder) / FILE)
    try:
        content = read_json(path)
        members = [Member(**member) for member in content["members"]]
        return EnsembleConfig(**{**content, "members": members})
    except (ValueError, TypeError, KeyError) as error:
        expected = ", ".join(field.name for field in fields(EnsembleConfig))
        raise StudyError(f"{path}: not an ensemble: {error}; expected {expected}") from None
