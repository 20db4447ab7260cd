"""Turn the development average precision of the base variant into class weights.

Usage: python -m stages.reweight
"""

from cxrlt_core.designs.reweight import reweight
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import read_json, write_json
from stages.artifacts.border import run_stage


def main(params: Params) -> None:
    """Write weights/main.json and weights/contrast.json."""
    settings = params.reweight
    development_ap = read_json(f"metrics/dev/{settings.base}.json")["image_AP"]
    for file, ratio in (("main", settings.ratio), ("contrast", settings.contrast_ratio)):
        weights = reweight(development_ap, ratio, settings.rule, settings.k)
        write_json(f"weights/{file}.json", weights)


if __name__ == "__main__":
    run_stage(main)
