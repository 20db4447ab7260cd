"""Put the models of the hub that the study names where a node without network finds them.

Usage: python -m tools.fetch   (where there is network)
"""

import os
from pathlib import Path

from huggingface_hub import constants

from cxrlt_core.model.encoder_spec import resolve_encoder
from cxrlt_core.params.schema import Params
from cxrlt_core.pretrained.model_files import locate
from cxrlt_core.system.errors import StudyError
from stages.artifacts.border import run_stage

ADVICE = """Where there is no network, set HF_HOME={home} and HF_HUB_OFFLINE=1.
To stay with what was fetched, set each `revision` to its commit."""


def main(params: Params) -> None:
    """Fetch the encoders of the hub at their revisions; print their commits, and what to set."""
    for name, encoder in params.text_encoders.items():
        if not Path(encoder.model).is_dir():
            key = f"text_encoders.{name}"
            try:
                files = locate(encoder.model, encoder.revision)
            except StudyError as error:
                raise StudyError(f"{key}.model: cannot fetch {encoder.model!r}: {error}") from None
            print(f"{key}: {encoder.model}: commit {files.commit}, {files.name}")
    for name, encoder in params.image_encoders.items():
        key = f"image_encoders.{name}"
        plan = resolve_encoder(encoder, params.image.size, key)
        if plan.commit is not None:
            file = plan.files.name if plan.files else "config.json"
            print(f"{key}: {encoder.model}: commit {plan.commit}, {file}")
    print(ADVICE.format(home=os.path.abspath(constants.HF_HOME)))


if __name__ == "__main__":
    run_stage(main)
