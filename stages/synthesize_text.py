"""Write the untrained stand-in of one text encoder."""

from pathlib import Path

from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.params.schema import Params
from stages.artifacts.border import run_stage


def main(params: Params, name: str) -> None:
    """Replace data/text_encoders/<name>-standin."""
    folder = Path("data/text_encoders") / f"{name}-standin"
    write_text_model(name, folder, params.demo.seed)


if __name__ == "__main__":
    run_stage(main)
