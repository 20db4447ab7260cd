"""The demo's images, which DVC does not keep: beside them lies what they were drawn with.

So images of other parameters, or of other code, are not taken for those of the study when it goes back to
what it had before.
"""

import json
from pathlib import Path

from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import file_hash, read_json, write_json
from stages.artifacts.border import run_again

DRAWN_WITH = ("data/settings/synthesize.json", "fingerprints/synthesize.json")  # parameters and code


def raw_folder(source: str) -> Path:
    """Return where the images of a source are drawn, its label files and the places of findings."""
    return Path("data/raw") / source


def drawn_with(params: Params, source: str) -> str:
    """Return what the images of a source are to be drawn with; nothing of those that are not drawn."""
    return json.dumps([file_hash(path) for path in DRAWN_WITH]) if source in params.demo.sources else ""


def note_drawn(params: Params, source: str) -> None:
    """Say what the images of a source were drawn with."""
    write_json(raw_folder(source) / "drawn.json", drawn_with(params, source))


def draw_again(params: Params, source: str, needed: Path, packed: bool = False) -> None:
    """Draw the images of a source unless they are as they should be, and what is needed of them is there.

    ``packed`` ones are not needed any more. Of real images nothing is done.
    """
    try:
        noted = read_json(raw_folder(source) / "drawn.json")
    except StudyError:  # none, or torn
        noted = None
    if (expected := drawn_with(params, source)) and (noted != expected or not (packed or needed.exists())):
        why = "absent" if noted == expected or not needed.exists() else "drawn with other parameters or code"
        print(f"{needed}: {why}, drawing the demo's images again", flush=True)
        run_again("synthesize", source)
