"""A cache of the hub's library as it lies on disk, with models that a test has made."""

import hashlib
import shutil
from pathlib import Path

COMMIT, OTHER = "a" * 40, "b" * 40


def write_snapshot(cache: Path, model: str, folder: Path, commit: str, branch: str | None = "main") -> Path:
    """Put the files of a folder into the cache as blobs and links, and point a branch at the commit."""
    root = cache / f"models--{model.replace('/', '--')}"
    snapshot = root / "snapshots" / commit
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    for file in (path for path in folder.rglob("*") if path.is_file()):
        blob = root / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copy(file, blob)
        link = snapshot / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    if branch is not None:
        (root / "refs").mkdir(exist_ok=True)
        (root / "refs" / branch).write_text(commit)
    return snapshot
