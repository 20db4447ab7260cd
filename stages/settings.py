"""Write the parameters of each kind of stage into a file, without what changes nothing there.

Usage: python -m stages.settings
"""

from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import write_json
from stages.artifacts.border import run_stage
from stages.artifacts.settings import settings_of

KINDS = ("pretrained", "description", "training", "prediction", "tta", "ensemble", "report")


def main(params: Params) -> None:
    """Write data/settings/<kind>.json."""
    for kind in KINDS:
        write_json(f"data/settings/{kind}.json", settings_of(params, kind))


if __name__ == "__main__":
    run_stage(main)
