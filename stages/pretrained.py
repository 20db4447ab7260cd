"""Record the content hashes of every encoder's local weights, a file per encoder, so that DVC sees changes.

Usage: python -m stages.pretrained
"""

import os
from pathlib import Path

from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import file_hash, write_json
from stages.artifacts.border import run_stage

IMAGE, TEXT = Path("data/image_encoders"), Path("data/text_encoders")


def main(params: Params) -> None:
    """Write data/pretrained/image/<name>.json and data/pretrained/text/<name>.json."""
    for name, encoder in params.image_encoders.items():
        location = encoder.pretrained if isinstance(encoder.pretrained, str) else None
        write_hashes("image", name, check_location(location, IMAGE, f"image_encoders.{name}.pretrained"))
    for name, encoder in params.text_encoders.items():
        is_local = Path(encoder.model).exists() or encoder.model.startswith(f"{TEXT}/")
        location = encoder.model if is_local else None
        write_hashes("text", name, check_location(location, TEXT, f"text_encoders.{name}.model"))


def check_location(location: str | None, folder: Path, key: str) -> Path | None:
    """Return the file or folder of local weights; None for weights of a hub, or none.

    Raises:
        StudyError: when it is absent, or lies where a change would go unnoticed.
    """
    if location is None:
        return None
    path = Path(location)
    inside = Path(os.path.relpath(path, folder))
    if inside.parts[:1] in ((), ("..",)):
        raise StudyError(f"{key}: {location}: expected a place in {folder}/, where changes are noticed")
    if not path.exists():
        raise StudyError(f"{key}: {location}: no such file or folder")
    parents = [folder / part for part in (inside, *inside.parents)][:-1]
    if links := [str(p) for p in (*parents, *path.rglob("*")) if p.is_symlink() and p.is_dir()]:
        hint = f"a folder of links to files, as cp -rs makes one ({links[0]} is a link to a folder)"
        raise StudyError(f"{key}: {location}: expected {hint}, where changes are noticed")
    return path


def write_hashes(kind: str, name: str, path: Path | None) -> None:
    """Write the hash of each file of an encoder; no file if it comes from a hub or is untrained."""
    files = [] if path is None else [path] if path.is_file() else sorted(path.rglob("*"))
    hashes = {file.relative_to(path.parent).as_posix(): file_hash(file) for file in files if file.is_file()}
    write_json(f"data/pretrained/{kind}/{name}.json", {"files": hashes})


if __name__ == "__main__":
    run_stage(main)
