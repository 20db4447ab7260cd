"""Put the models of the hub that the study names where a node without network finds them.

Usage: python -m stages.artifacts.fetch   (no stage; on a machine with network)
"""

import os
from pathlib import Path

from cxrlt_core.params.schema import Params
from cxrlt_core.pretrained.model_files import ModelFiles, locate
from cxrlt_core.system.errors import StudyError

ADVICE = """
For the nodes: HF_HOME={home} HF_HUB_OFFLINE=1
To pin what was fetched, set `revision` of each encoder to its commit."""


def main(params: Params) -> None:
    """Fetch the text encoders of the hub at their revisions, and say what to set."""
    for name, encoder in params.text_encoders.items():
        if not Path(encoder.model).is_dir():
            key = f"text_encoders.{name}"
            print(f"{key}: {encoder.model}: {fetched(encoder.model, encoder.revision, key)}")
    print(ADVICE.format(home=hub_home()))


def fetched(model: str, revision: str | None, key: str) -> str:
    """Fetch a model, and say its commit and the file of its weights."""
    try:
        files: ModelFiles = locate(model, revision)
    except StudyError as error:
        raise StudyError(f"{key}.model: cannot fetch {model!r}: {error}") from None
    return f"commit {files.commit}, {files.name} in {files.folder}"


def hub_home() -> str:
    """Return where the hub's library keeps its files."""
    from huggingface_hub.constants import HF_HOME

    return os.path.abspath(HF_HOME)


if __name__ == "__main__":
    from stages.artifacts.border import run_stage

    run_stage(main)
