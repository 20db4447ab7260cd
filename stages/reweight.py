"""Turn the development average precision of the base variant into class weights.

Usage: python -m stages.reweight <name> …, each a reweighting, such as main
"""

from cxrlt_core.designs.reweight import reweight
from cxrlt_core.params.schema import Params
from cxrlt_core.system.files import read_json
from stages.artifacts.border import run_stage
from stages.artifacts.weights import write_weights


def main(params: Params, *names: str) -> None:
    """Write weights/<name>.json for each name."""
    by_seed = read_json(f"metrics/dev/{params.reweight.base}.json")["image_AP"]
    for name in names:
        settings = params.reweightings[name]
        write_weights(name, {seed: reweight(values, settings) for seed, values in by_seed.items()})


if __name__ == "__main__":
    run_stage(main)
