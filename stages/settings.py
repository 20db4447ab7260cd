"""Write the parameters that many stages depend on into files, each without what changes nothing there.

Usage: python -m stages.settings
"""

from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import write_json
from stages.artifacts.border import run_stage
from stages.artifacts.identity import training_settings


def main(params: Params) -> None:
    """Write data/settings/training.json, on which every training depends, and report.json, which has all."""
    write_json("data/settings/training.json", training_settings(params))
    write_json("data/settings/report.json", params.model_dump(mode="json"))


if __name__ == "__main__":
    run_stage(main)
