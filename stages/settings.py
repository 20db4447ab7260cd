"""Write the parameters of each kind of stage into a file, without what changes nothing there.

Usage: python -m stages.settings
"""

from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import SCRATCH
from cxrlt_core.system.files import write_json
from stages.artifacts.border import run_stage
from stages.artifacts.looking import looking_files
from stages.artifacts.paths import trained_path
from stages.artifacts.settings import settings_files


def main(params: Params) -> None:
    """Write data/settings/."""
    for name, content in looking_files(params, settings_files(params)).items():
        write_json(f"data/settings/{name}.json", content)
    write_json(trained_path(SCRATCH), {})  # what a variant starts from that starts from nothing


if __name__ == "__main__":
    run_stage(main)
