"""Turn the development average precision of the base variant into class weights.

Usage: python -m stages.reweight <name> …, each a reweighting, such as main
"""

from cxrlt_core.designs.reweight import reweight
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import read_json, write_json
from stages.artifacts.border import run_stage


def main(params: Params, *names: str) -> None:
    """Write weights/<name>.json for each name."""
    development_ap = read_json(f"metrics/dev/{params.reweight.base}.json")["image_AP"]
    for name in names:
        write_json(f"weights/{name}.json", reweight(development_ap, params.reweightings[name]))


if __name__ == "__main__":
    run_stage(main)
