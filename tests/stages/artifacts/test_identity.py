"""Identity is all parameters less the harmless ones: whatever is new counts."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cxrlt_core.params.schema import Params, Train
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.settings import Section
from stages.artifacts import identity
from stages.artifacts.code import fingerprint, module_code, stage_code
from stages.artifacts.identity import row_code, row_identity, training_identity
from stages.artifacts.settings import HARMLESS, settings_of

SMOKE = Path(__file__).parents[3] / "profiles/smoke.yaml"
CONTENT = yaml.safe_load(SMOKE.read_text())
VARIANT = "resnet50_bert_shared"
ROW = {"variant": VARIANT, "tta": False, "published": None}


@pytest.fixture(autouse=True)
def files(monkeypatch, tmp_path):
    """Small files in the places of the real ones."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "data/sets/train_primary.parquet",
        "data/text/pubmedbert.safetensors",
        "data/encoders/resnet50.json",
        "weights/uniform.json",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(json.dumps({"weights": {"Edema": 1.0}}) if "weights" in name else name)


def training(params: Params, variant: str = VARIANT, seed: int = 0) -> str:
    return identity.fingerprint(training_identity(params, variant, seed))


def row(params: Params) -> str:
    return identity.fingerprint(row_identity(params, [VARIANT], ROW))


def leaves(content: Any, path: tuple = ()) -> list[tuple]:
    if isinstance(content, dict) and content:
        return [leaf for key, value in content.items() for leaf in leaves(value, (*path, key))]
    return [path]


def changed(path: tuple) -> Params:
    """The parameters with one value replaced, unchecked: what it is does not matter."""
    content = parse_params(CONTENT).model_dump()
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = VARIANT if path == ("reweight", "base") else "something else"
    return Params.model_construct(**{k: _section(Params, k, v) for k, v in content.items()})


def _section(model: type, key: str, value: Any) -> Any:
    """Rebuild sections and their entries without validation."""
    annotation = model.model_fields[key].annotation
    if isinstance(annotation, type) and issubclass(annotation, Section) and isinstance(value, dict):
        return annotation.model_construct(**value)
    if key in ("variants", "losses", "image_encoders", "text_encoders"):
        kinds = {name: type(entry) for name, entry in getattr(parse_params(CONTENT), key).items()}
        return {name: kinds[name].model_construct(**entry) for name, entry in value.items()}
    return value


LEAVES = leaves(parse_params(CONTENT).model_dump())
OTHERS = {"variants": VARIANT, "image_encoders": "resnet50", "losses": "bce", "text_encoders": "pubmedbert"}


def harmless(path: tuple, keys: dict[str, str]) -> bool:
    return path[0] in keys or ".".join(path[:2]) in keys


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_every_key_counts_unless_it_is_known_to_be_harmless(path):
    before, after = parse_params(CONTENT), changed(path)
    if (
        path[0] == "variants"
        and path[1] == VARIANT
        and path[2] in ("image", "loss", "text", "weights", "data")
    ):
        return  # names of files and entries: see below
    own = path[0] in ("variants", "losses") and path[1] == OTHERS[path[0]]
    others = path[0] in OTHERS and path[1] != OTHERS[path[0]]
    assert (training(after) == training(before)) == (
        others or (harmless(path, HARMLESS["training"]) and not own)
    )
    base = path[0] == "variants" and path[1] == CONTENT["reweight"]["base"]
    assert (row(after) == row(before)) == ((others and not base) or harmless(path, HARMLESS["row"]))


class Dose(Section):
    level: float


class MoreTrain(Train):
    momentum: float


class MoreParams(Params):
    dose: Dose
    train: MoreTrain


def more(level: float = 1.0, momentum: float = 0.9) -> Params:
    train = {**CONTENT["train"], "momentum": momentum}
    return MoreParams.model_validate({**CONTENT, "train": train, "dose": {"level": level}})


@pytest.mark.parametrize("of", [training, row])
def test_a_section_and_a_key_that_nobody_thought_of_count(of):
    assert of(more()) == of(more())
    assert len({of(more()), of(more(level=2.0)), of(more(momentum=0.8)), of(parse_params(CONTENT))}) == 4


def test_seed_variant_and_files_count():
    params = parse_params(CONTENT)
    first = training(params)
    assert training(params, seed=1) != first
    assert training(params, "resnet50_bert_separate") != first
    for name in ("weights/uniform.json", "data/encoders/resnet50.json", "data/text/pubmedbert.safetensors"):
        kept = Path(name).read_text()
        Path(name).write_text(kept.replace("1.0", "2.0") + " ")
        assert training(params) != first
        Path(name).write_text(kept)
    assert training(params) == first


def test_code_counts(monkeypatch):
    params = parse_params(CONTENT)
    first = training(params)
    monkeypatch.setattr(identity, "stage_code", lambda stage: {"stages/train.py": "other"})
    assert training(params) != first


def test_the_code_of_a_row_is_that_of_its_stages_and_losses():
    content = {**CONTENT, "variants": {**CONTENT["variants"]}}
    content["variants"]["focal"] = {**content["variants"][VARIANT], "loss": "focal"}
    params = parse_params(content)
    both = stage_code("train") | stage_code("tta") | module_code("cxrlt_core.losses.bce")
    assert row_code(params, [VARIANT], ["train", "tta"]) == fingerprint(both)
    more = both | module_code("cxrlt_core.losses.focal")
    assert row_code(params, [VARIANT, "focal"], ["train", "tta"]) == fingerprint(more)


def test_ensembles_depend_on_who_the_members_are():
    """Where nobody names them they are those of the published rows, which count through them alone."""
    assert settings_of(parse_params(CONTENT), "ensemble")["members"] == CONTENT["ensemble"]["members"]
    content = {**CONTENT, "ensemble": {**CONTENT["ensemble"], "members": None}}
    content["table2"] = [row for row in CONTENT["table2"] if not row["replenished"]]
    assert settings_of(parse_params(content), "ensemble")["members"] == [
        "resnet50_bert_shared",
        "resnet50_bert_separate",
        "densenet121_bert_reweighted",
        "resnet50_t5_contrast_mixup",
    ]
    assert "members" not in settings_of(parse_params(CONTENT), "report")


def test_views_count_where_they_are_predicted_and_nowhere_before():
    params = parse_params(CONTENT)
    views, plain = (settings_of(params, kind) for kind in ("tta", "prediction"))
    assert "tta" not in plain and views == plain | {"tta": CONTENT["tta"]}
