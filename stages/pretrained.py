"""Note the local weights of every encoder by content, in a file each, so that DVC sees which ones change.

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
        place = encoder.pretrained if isinstance(encoder.pretrained, str) else None
        note("image", name, watched(place, IMAGE, f"image_encoders.{name}.pretrained"))
    for name, encoder in params.text_encoders.items():
        place = (
            encoder.model if Path(encoder.model).exists() or encoder.model.startswith(f"{TEXT}/") else None
        )
        note("text", name, watched(place, TEXT, f"text_encoders.{name}.model"))


def watched(place: str | None, folder: Path, key: str) -> Path | None:
    """Return the file or folder of local weights; None for a hub's or none.

    Raises:
        StudyError: when it is absent, or lies where a change would go unnoticed.
    """
    if place is None:
        return None
    path = Path(place)
    inside = Path(os.path.relpath(path, folder))
    if inside.parts[:1] in ((), ("..",)):
        raise StudyError(f"{key}: {place}: expected a place in {folder}/, where changes are noticed")
    if not path.exists():
        raise StudyError(f"{key}: {place}: no such file or folder")
    above = [folder / part for part in (inside, *inside.parents)][:-1]
    if links := [str(one) for one in (*above, *path.rglob("*")) if one.is_symlink() and one.is_dir()]:
        hint = f"a folder of links to files, as cp -rs makes one ({links[0]} is a link to a folder)"
        raise StudyError(f"{key}: {place}: expected {hint}, where changes are noticed")
    return path


def note(kind: str, name: str, path: Path | None) -> None:
    """Write the files of an encoder, by name and content; none where it comes from a hub or is untrained."""
    files = [] if path is None else [path] if path.is_file() else sorted(path.rglob("*"))
    marks = {file.relative_to(path.parent).as_posix(): file_hash(file) for file in files if file.is_file()}
    write_json(f"data/pretrained/{kind}/{name}.json", {"files": marks})


if __name__ == "__main__":
    run_stage(main)
