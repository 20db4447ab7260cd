from pathlib import Path

import yaml

from cxrlt_core.params.parse import parse_params
from stages.artifacts.seeds import make_seed_folder, seed_paths

SMOKE = Path(__file__).parents[2] / "profiles/smoke.yaml"


def with_seeds(*seeds: int):
    content = yaml.safe_load(SMOKE.read_text())
    content["train"]["seeds"] = list(seeds)
    return parse_params(content)


def test_the_first_seed_lies_at_the_place_itself():
    assert seed_paths(with_seeds(5), "models/a") == {5: "models/a"}
    assert seed_paths(with_seeds(5, 0, 2), "models/a") == {
        5: "models/a",
        0: "models/a/seeds/0",
        2: "models/a/seeds/2",
    }


def test_the_folder_of_further_seeds_is_made_twice_without_harm(tmp_path):
    make_seed_folder(str(tmp_path / "models/a"))
    make_seed_folder(str(tmp_path / "models/a"))
    assert (tmp_path / "models/a/seeds").is_dir()
