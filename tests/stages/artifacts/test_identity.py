"""Identity is all parameters less the harmless ones: whatever is new counts."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import yaml

from cxrlt_core.params.schema import Params, Train
from cxrlt_core.study.gather import gather
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import write_text
from cxrlt_core.system.settings import Section
from stages.artifacts import identity
from stages.artifacts.code import fingerprint, module_code, stage_code
from stages.artifacts.identity import row_code, row_identity, training_identity
from stages.artifacts.settings import TRAINING, UNTRACKED_PARAMS, enters, settings_files

SMOKE = Path(__file__).parents[3] / "profiles/smoke.yaml"
CONTENT = yaml.safe_load(SMOKE.read_text())
VARIANT = "resnet50_bert_shared"
INPUTS = ("weights/uniform.json", "data/encoders/resnet50.json", "data/text/pubmedbert.safetensors")
ROW = {"variant": VARIANT, "tta": False, "published": None}


@pytest.fixture(autouse=True)
def files(monkeypatch, tmp_path):
    """Small files in the places of the real ones."""
    monkeypatch.chdir(tmp_path)
    names = ["data/sets/train_primary.parquet", "models/resnet50_bert_separate/0/model.safetensors", *INPUTS]
    for name in [*names, *(f"data/pixels/{variant}.json" for variant in (VARIANT, "resnet50_bert_separate"))]:
        content = {"weights": {"Edema": 1.0}} if "weights" in name else {"train_primary": "a", "dev": "b"}
        write_text(name, json.dumps(content) if name.endswith(".json") else name)


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
    params = parse_params(CONTENT)

    def replaced(holder: Any, keys: tuple) -> Any:
        key, *rest = keys
        inner = holder[key] if isinstance(holder, dict) else getattr(holder, key)
        value = replaced(inner, tuple(rest)) if rest else "something else"
        return {**holder, key: value} if isinstance(holder, dict) else holder.model_copy(update={key: value})

    return replaced(params, path)


LEAVES = leaves(parse_params(CONTENT).model_dump())
OTHERS = {"variants": VARIANT, "image_encoders": "resnet50", "losses": "bce", "text_encoders": "pubmedbert"}
#: Keys of a variant that name files and entries: see below.
NAMES = [(key,) for key in ("image", "text", "loss", "weights", "data", "init", "recipe", "designs")]


def ignored(path: tuple, keys: Collection[str]) -> bool:
    return path[0] in keys or ".".join(path[:2]) in keys


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_every_key_counts_unless_it_is_known_to_change_nothing(path):
    before = parse_params(CONTENT)
    if path[0] in ("designs", "recipes", "reweight") or (path[0] == "variants" and path[2:] in NAMES):
        return  # through the variants that have them; names
    after = changed(path)
    others = path[0] in OTHERS and path[1] != OTHERS[path[0]]
    own = path[0] in ("variants", "losses") and not others
    elsewhere = not enters(".".join(path[:2]), TRAINING)
    assert (training(after) == training(before)) == (others or (elsewhere and not own))
    assert (row(after) == row(before)) == (others or ignored(path, UNTRACKED_PARAMS))


def with_variant(**changes: Any) -> Params:
    """The smoke study with another form of the variant; ``recipes`` are the study's."""
    recipes = changes.pop("recipes", {})
    variants = {**CONTENT["variants"], VARIANT: {**CONTENT["variants"][VARIANT], **changes}}
    return parse_params({**CONTENT, "variants": variants, "recipes": recipes})


def test_what_a_variant_has_counts_and_what_it_has_not_is_in_no_identity():
    plain = training(parse_params(CONTENT))
    assert training(with_variant(mixup=False, separate=None)) == plain
    assert "mixup" not in json.dumps(training_identity(parse_params(CONTENT), VARIANT, 0), default=str)
    mixed, other = (training(with_variant(mixup=alpha)) for alpha in (0.2, 0.3))
    assert len({plain, mixed, other, training(with_variant(csra={"residual": 0.1, "temperature": 1}))}) == 4
    shared = {**CONTENT, "mixup": {"alpha": 0.9}}
    assert training(parse_params(shared)) == plain  # of variants that mix alone


def test_a_recipe_counts_by_what_it_changes_and_a_start_by_its_weights():
    plain = training(parse_params(CONTENT))
    long = {"long": {"train": {"epochs": 3}}, "same": {"train": {"epochs": CONTENT["train"]["epochs"]}}}
    assert training(with_variant(recipes=long)) == plain
    assert training(with_variant(recipes=long, recipe="same")) == plain
    assert training(with_variant(recipes=long, recipe="long")) != plain
    started = with_variant(init="resnet50_bert_separate")
    first = training(started)
    assert first != plain
    Path("models/resnet50_bert_separate/0/model.safetensors").write_text("other weights")
    assert training(started) != first


class Dose(Section):
    level: float


class MoreTrain(Train):
    momentum: float


class MoreParams(Params):
    dose: Dose
    train: MoreTrain


def more(level: float = 1.0, momentum: float = 0.9) -> Params:
    train = {**CONTENT["train"], "momentum": momentum}
    return MoreParams.model_validate({**gather(CONTENT), "train": train, "dose": {"level": level}})


@pytest.mark.parametrize("of", [training, row])
def test_a_section_and_a_key_that_nobody_thought_of_count(of):
    assert of(more()) == of(more())
    assert len({of(more()), of(more(level=2.0)), of(more(momentum=0.8)), of(parse_params(CONTENT))}) == 4


def test_seed_variant_files_and_code_count(monkeypatch):
    params = parse_params(CONTENT)
    first = training(params)
    assert training(params, seed=1) != first
    assert training(params, "resnet50_bert_separate") != first
    for name in INPUTS:
        kept = Path(name).read_text()
        Path(name).write_text(kept.replace("1.0", "2.0") + " ")
        assert training(params) != first
        Path(name).write_text(kept)
    assert training(params) == first
    monkeypatch.setattr(identity, "variant_code", lambda params, variant: {"stages/train.py": "other"})
    assert training(params) != first


def test_the_code_of_a_row_is_that_of_its_stages_losses_and_designs():
    content = {**CONTENT, "variants": {**CONTENT["variants"]}}
    content["variants"]["focal"] = {**content["variants"][VARIANT], "loss": "focal", "mixup": 0.2}
    params = parse_params(content)
    both = stage_code("train") | stage_code("tta") | module_code("cxrlt_core.losses.bce")
    assert row_code(params, [VARIANT], ["train", "tta"], {}) == fingerprint(both)
    more = both | module_code("cxrlt_core.losses.focal") | module_code("cxrlt_core.designs.mixup")
    assert row_code(params, [VARIANT, "focal"], ["train", "tta"], {}) == fingerprint(more)
    bagged = both | module_code("cxrlt_core.designs.bagged")
    assert row_code(params, [VARIANT], ["train", "tta"], {"method": "bagged"}) == fingerprint(bagged)


def test_ensembles_depend_on_who_the_members_are_and_predictions_on_the_views():
    """Where nobody names members they are those of the published rows, which count through them alone."""
    files = settings_files(parse_params(CONTENT))
    assert files["ensemble"]["members"] == CONTENT["ensemble"]["members"] and "members" not in files["params"]
    content = {**CONTENT, "ensemble": {**CONTENT["ensemble"], "members": None}}
    content["table2"] = [row for row in CONTENT["table2"] if not row.get("replenished")]
    published = [VARIANT, "resnet50_bert_separate", "densenet121_bert_reweighted"]
    members = settings_files(parse_params(content))["ensemble"]["members"]
    assert members == [*published, "resnet50_t5_contrast_mixup"]
    views, plain = (files[f"{kind}/{VARIANT}"] for kind in ("tta", "evaluation"))
    assert "tta" not in plain and views | {"study": CONTENT["study"]} == plain | {"tta": CONTENT["tta"]}
    assert "tta" not in files[f"training/{VARIANT}"]


def test_a_row_is_also_what_it_started_from_and_what_reweighted_it():
    content = {**CONTENT, "variants": {**CONTENT["variants"]}}
    content["variants"]["child"] = {**content["variants"][VARIANT], "init": "densenet121_bert_reweighted"}
    params, base = parse_params(content), CONTENT["reweight"]["base"]
    other = params.model_copy(deep=True)
    other.variants[base].designs.clear()
    names = ["densenet121_bert_reweighted", "child", VARIANT]
    same = [row_identity(params, [name], ROW) == row_identity(other, [name], ROW) for name in names]
    assert same == [False, False, True]


def test_a_list_of_what_an_encoder_has_seen_counts_by_content_and_for_the_report_alone():
    def settings(seen: str | None) -> dict[str, Any]:
        own = CONTENT["image_encoders"]["resnet50"] | {"seen": seen}
        encoders = {**CONTENT["image_encoders"], "resnet50": own}
        return settings_files(parse_params({**CONTENT, "image_encoders": encoders}))

    found = [settings_files(parse_params(CONTENT))]
    assert settings(None) == found[0]
    for text in ("image\na.png\n", "image\nb.png\n"):
        Path("seen.csv").write_text(text)
        found.append(settings("seen.csv"))
    for one, other in ((0, 1), (1, 2)):
        assert {name for name in found[0] if found[one][name] != found[other][name]} == {"params"}
