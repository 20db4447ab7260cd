"""Put the models of the hub that the study names where a node without network finds them.

Usage: python -m tools.fetch   (no stage: run it where there is network)
"""

import os
from pathlib import Path

from cxrlt_core.model.encoder_plan import plan_encoder
from cxrlt_core.params.schema import Params
from cxrlt_core.pretrained.model_files import locate
from cxrlt_core.system.errors import StudyError

ADVICE = """Where there is no network, set HF_HOME={home} and HF_HUB_OFFLINE=1.
To stay with what was fetched, set each `revision` to its commit."""


def main(params: Params) -> None:
    """Fetch the encoders of the hub at their revisions; print their commits, and what to set."""
    for name, encoder in params.text_encoders.items():
        if not Path(encoder.model).is_dir():
            tell(f"text_encoders.{name}", encoder.model, *fetch(encoder.model, encoder.revision, name))
    for name, encoder in params.image_encoders.items():
        key = f"image_encoders.{name}"
        plan = plan_encoder(encoder, params.image.size, key)
        if plan.commit is not None:
            tell(key, encoder.model, plan.commit, plan.files.name if plan.files else "config.json")
    print(ADVICE.format(home=hub_home()))


def fetch(model: str, revision: str | None, name: str) -> tuple[str | None, str]:
    """Fetch a text encoder; return its commit and the file of its weights."""
    try:
        files = locate(model, revision)
    except StudyError as error:
        raise StudyError(f"text_encoders.{name}.model: cannot fetch {model!r}: {error}") from None
    return files.commit, files.name


def tell(key: str, model: str, commit: str | None, file: str) -> None:
    """Print what was fetched."""
    print(f"{key}: {model}: commit {commit}, {file}")


def hub_home() -> str:
    """Return where the hub's library keeps its files."""
    from huggingface_hub.constants import HF_HOME

    return os.path.abspath(HF_HOME)


if __name__ == "__main__":
    from stages.artifacts.border import run_stage

    run_stage(main)
