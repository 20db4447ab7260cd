"""Where a pretrained model lies: a local folder, or the hub's cache at a commit that is known."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import file_hash

#: File names of weights, in the order of preference; each may be in parts, named by an index beside them.
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "flax_model.msgpack")

#: What is fetched besides weights: config, vocabulary, the indexes of weights in parts.
CONFIGS = ("*.json", "*.txt", "*.model")


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model."""

    folder: Path  # holds config, vocabulary and weights
    weights: Sequence[Path]  # one file, or the parts of one
    name: str  # of the weights: the file's, or that of the index of its parts
    commit: str | None  # of the hub's repository; None for a local folder

    def sha256(self) -> str:
        """Return the SHA-256 of the weights; of parts, that of what ``sha256sum`` prints about them."""
        sums = [file_hash(path) for path in self.weights]
        if len(sums) == 1:
            return sums[0]
        listing = "".join(f"{sha}  {path.name}\n" for sha, path in zip(sums, self.weights, strict=True))
        return hashlib.sha256(listing.encode()).hexdigest()


def locate(model: str, revision: str | None) -> ModelFiles:
    """Find a model, a local folder or a repository of the hub, and fetch its files where it is not local.

    Config, vocabulary and weights are of one commit; no revision is the main branch. StudyError when there
    is no such model, it cannot be had, or it has no weights that are known here.
    """
    if not Path(model).is_dir():
        return fetch_weights(model, fetch_files(model, revision, CONFIGS).name)
    if revision is not None:
        raise StudyError(f"revision {revision!r} is of a hub's model, expected null")
    return find_weights(Path(model))


def fetch_files(repository: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Bring files of a repository into the cache of the hub's library; without network, take what lies there.

    Files whose names match no pattern are not fetched; no revision is the main branch. Returns the folder
    of the files, named by their commit; StudyError when the repository or the revision cannot be had.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # no line per retry
    disable_progress_bars()
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(patterns)))
    except Exception as error:  # the hub's library and the network's raise many kinds
        raise StudyError(" ".join(str(error).split()) or type(error).__name__) from None


def fetch_weights(repository: str, revision: str | None, names: Sequence[str] = WEIGHTS) -> ModelFiles:
    """Fetch the first weights of these names, each perhaps in parts, that a repository has, and no others.

    StudyError when there are none, or they cannot be had.
    """
    for name in names:
        stem, suffix = name.rsplit(".", 1)
        folder = fetch_files(repository, revision, [name, f"{name}.index.json", f"{stem}-*.{suffix}"])
        revision = folder.name
        if (folder / name).is_file() or (folder / f"{name}.index.json").is_file():
            break
    return find_weights(folder, names, commit=revision)


def find_weights(folder: Path, names: Sequence[str] = WEIGHTS, commit: str | None = None) -> ModelFiles:
    """Find the first weights of these names, each perhaps in parts, in a folder, perhaps of a commit.

    StudyError when there are none, or parts are missing.
    """
    for name in names:
        if (folder / name).is_file():
            return ModelFiles(folder, [folder / name], name, commit)
        if (index := folder / f"{name}.index.json").is_file():
            return ModelFiles(folder, _parts(index), index.name, commit)
    raise StudyError(f"no weights: expected {', '.join(names)}, or one of them in parts with its .index.json")


def _parts(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        parts = [index.parent / Path(name).name for name in names]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"{index.name}: no index of weights: {error!r}") from None
    missing = [part.name for part in parts if not part.is_file()]
    if missing or not parts:
        raise StudyError(f"{index.name}: names files that are not there: {', '.join(missing) or 'none'}")
    return parts
