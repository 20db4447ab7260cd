"""Where the files of a training seed lie: the first seed's at a variant's own paths, others in seeds/<seed>/.

So one seed or several, the first model is models/<variant>/model.safetensors, and the second
models/<variant>/seeds/<seed>/model.safetensors; likewise predictions.
"""

from pathlib import Path

from cxrlt_core.params.schema import Params


def seed_paths(params: Params, place: str) -> dict[int, str]:
    """Return the path of each seed: ``place``, or ``place/seeds/<seed>`` for all but the first."""
    first, *others = params.train.seeds
    return {first: place, **{seed: f"{place}/seeds/{seed}" for seed in others}}


def make_seed_folder(place: str) -> None:
    """Make the folder of the further seeds, which DVC expects even when it is empty."""
    (Path(place) / "seeds").mkdir(parents=True, exist_ok=True)
