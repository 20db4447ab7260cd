"""Turn the development average precision of the base variant into class weights.

Usage: python -m stages.reweight <name> …, each a reweighting, such as main
"""

from collections.abc import Sequence

from cxrlt_core.designs.reweight import reweight, reweightings
from cxrlt_core.params.schema import Params
from stages.artifacts.border import run_stage
from stages.artifacts.trained import read_metrics
from stages.artifacts.weights import write_weights


def main(params: Params, *names: str) -> None:
    """Write weights/<name>.json for each name."""
    by_seed = read_metrics(params.reweight.base)["image_AP"]
    for name in names:
        settings = reweightings(params.reweight)[name]
        weights = {seed: reweight(values, settings) for seed, values in by_seed.items()}
        write_weights(name, weights)
        raised = [sum(weight != 1 for weight in one["weights"].values()) for one in weights.values()]
        print(f"{name}: {settings.ratio:g} times the weight for {spread(raised)} classes")


def spread(counts: Sequence[int]) -> str:
    """Return the range of counts, one a seed: ``5`` or ``5 to 7``."""
    return " to ".join(str(count) for count in sorted({min(counts), max(counts)}))


if __name__ == "__main__":
    run_stage(main)
