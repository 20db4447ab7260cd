"""dvc.yaml against the scripts: every parameter that a stage reads, and the code that it runs, is tracked."""

import ast
import inspect
import re
from collections.abc import Iterator

import pytest
import yaml
from pydantic import BaseModel

from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.notes import caveat
from stages.artifacts.code import ROOT, stages
from stages.artifacts.settings import ENTERS, UNTRACKED_PARAMS, enters
from tests.architecture import needs, outs, within

CONTENT = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in CONTENT["stages"].items()}

#: Functions of the parameters that scripts call, and the keys behind them.
FUNCTIONS = {
    "designs_of": ["variants"],
    "geometries": ["image", "recipes", "variants"],
    "image_encoder_spec": ["image_encoders"],
    "loss_of": ["losses"],
    "members_of": ["ensemble"],
    "row_members": ["ensemble", "table2", "variants"],
    "resolved": ["image", "query", "recipes", "train"],
    "sizes_of": ["image", "recipes", "variants"],
    "used_sources": ["data.primary", "data.extra"],
}

#: What a script reads and need not track: it changes no number of that stage.
UNTRACKED = {
    "launch": "how a stage is started",
    "train.resident": "where images lie",
    "train.checkpoint_minutes": "when a state is saved",
    "train.monitor": "what is logged on the way",
    "demo.sources": "which images may be drawn again where they are absent",
    "demo.text_encoders": "which stand-ins are made, each by a stage of its own",
}

#: What a script reads and what a file that it depends on says as well.
BY_FILE = {
    "code": ["ensemble"],  # all of table2's methods
    "embed": ["label_space", "text_encoders"],  # data/settings/text
    "encoder": ["image", "image_encoders", "recipes", "variants"],  # data/settings/encoders
    # the models, ensembles, data/settings/external
    "external": ["data.external", "ensemble", "image", "query", "recipes", "train"],
    "external_images": ["data.external", "image", "label_space", "recipes", "variants"],
    "harmonize": ["data.sources", "label_space"],  # data/settings/labels
    "pretrained": ["image_encoders", "text_encoders"],
    "pack": ["data.sources", "image", "recipes", "variants"],  # data/settings/packing
    "pixels": ["image", "recipes", "variants"],
    # data/encoders, data/settings/training
    "train": ["image", "image_encoders", "losses", "recipes", "train.seeds", "variants"],
    "evaluate": ["image", "query", "recipes", "train", "variants"],  # the model, data/settings/evaluation
    "tta": ["image", "query", "recipes", "train", "variants"],
    "attention": ["data.sources", "image", "query", "recipes", "train"],
    "external_attention": ["data.boxes", "image", "query", "recipes", "train"],
    "reweight_more": ["reweight"],  # data/settings/reweight
    # data/encoders, data/text, data/settings/zero_shot
    "zero_shot": [
        *("image", "image_encoders", "label_space", "losses", "query", "recipes", "text_encoders", "train"),
        *("variants", "zero_shot"),
    ],
}


def scripts(stage: str) -> str:
    return re.search(r"-m stages\.(\w+)", STAGES[stage]["cmd"]).group(1)


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of the schema; entries of a user's names count as one."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if not prefix and isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaves(inner, f"{name}.")
        else:
            yield f"{prefix}{name}"


LEAVES = list(leaves(Params))


def covered(key: str, keys: list[str]) -> bool:
    """Whether a key, or every key below it, is among some keys or below one of them."""
    below = [leaf for leaf in LEAVES if leaf == key or leaf.startswith(f"{key}.")]
    return all(
        any(leaf == one or leaf.startswith(f"{one}.") or one.startswith(f"{leaf}.") for one in keys)
        for leaf in below or [key]
    )


def read(script: str) -> set[str]:
    """The keys that a script reads off its parameters: params.a.b is a.b."""
    return read_by(ast.parse((ROOT / f"stages/{script}.py").read_text()))


def read_by(tree: ast.AST) -> set[str]:
    """The keys that code reads off its parameters."""
    found = set()
    for node in ast.walk(tree):
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
        if names and isinstance(node, ast.Name) and node.id == "params":
            found.add(".".join(names[:2]))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= set(FUNCTIONS.get(node.func.id, []))
    # of a chain a.b.c the walk also meets a.b and a
    return {key for key in found if not any(other.startswith(f"{key}.") for other in found)}


def known(key: str) -> str:
    """A key of the schema: ``variants.items`` is a method of ``variants``."""
    return key if key in LEAVES else key.split(".")[0]


HOLDERS = {leaf.split(".")[0] for leaf in LEAVES if "." in leaf}


def settings_of(stage: str) -> str:
    """The file or folder in data/settings that a stage depends on."""
    [name] = [path.split("/")[2] for path in STAGES[stage]["deps"] if path.startswith("data/settings/")]
    return name.removesuffix(".json")


def left_out(stage: str) -> list[str]:
    """The keys that the file of settings leaves out on which a stage depends."""
    kind = settings_of(stage)
    return [] if kind == "params" else [leaf for leaf in LEAVES if not enters(leaf, kind)]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_tracks_every_parameter_that_its_script_reads(stage):
    if stage == "settings":
        assert "params.yaml" in STAGES[stage]["deps"]
        return
    if STAGES[stage].get("always_changed"):
        return
    if stage == "code":  # the only one before settings
        tracked = STAGES[stage]["params"]
    else:
        assert "params" not in STAGES[stage]  # DVC would take them from params.yaml, and the stage would not
        tracked = [leaf for leaf in LEAVES if not covered(leaf, left_out(stage))]
    tracked += [*UNTRACKED, *BY_FILE.get(stage, [])]
    assert not {key for key in map(known, read(scripts(stage))) if not covered(key, tracked)}


def test_the_page_of_the_data_reads_nothing_that_its_settings_leave_out():
    """Its script hands on the whole of the parameters."""
    tree = ast.parse((ROOT / "cxrlt_core/reporting/data_report.py").read_text())
    keys = read_by(tree) | read_by(ast.parse(inspect.getsource(caveat)))
    assert {"data.sources", "demo.sources", "report.title"} <= keys
    assert not {key for key in keys if covered(key, left_out("describe"))}


def test_the_tables_of_keys_name_keys_and_stages_and_have_reasons():
    for key in (*ENTERS, *UNTRACKED_PARAMS):
        assert key in LEAVES or key in HOLDERS, key
    files = {settings_of(stage) for stage in STAGES if stage not in ("code", "settings", "watch")}
    assert {kind for kinds in ENTERS.values() for kind in kinds} <= files
    assert {key.partition(".")[0] for key in ENTERS} == set(Params.model_fields)
    assert all(len(reason.split()) > 1 for reason in UNTRACKED_PARAMS.values())


def test_a_stage_says_what_it_does_and_depends_on_what_its_code_means():
    assert {scripts(name) for name in STAGES} == set(stages())
    for name, stage in STAGES.items():
        if name not in ("code", "train") and not stage.get("always_changed"):
            assert f"fingerprints/{scripts(name)}.json" in stage["deps"], name
        assert stage["desc"] and not any(dep.endswith(".py") for dep in stage["deps"]), name
    assert STAGES["code"]["deps"] == ["cxrlt_core", "stages"]
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 350


def test_a_name_that_a_command_has_is_checked_before_the_command_runs():
    """By ``settings``, which any edit of params.yaml runs, or ``code``, which an edit of the names runs."""
    for name, stage in CONTENT["stages"].items():
        if "${" in STAGES[name]["cmd"]:
            names = re.fullmatch(r"\$\{(.+)\}", stage["foreach"])[1]
            before = everything_before(name)
            assert "settings" in before or ("code" in before and names in STAGES["code"]["params"]), name


def everything_before(stage: str) -> set[str]:
    found: set[str] = set()
    waiting = [stage]
    while waiting:
        new = set(needs(waiting.pop())) - found
        found |= new
        waiting += new
    return found


def test_what_a_name_chooses_is_a_dependency_of_those_that_name_it():
    for file, named in {
        "fingerprints/sources/${key}.json": {"harmonize", "pack"},
        "fingerprints/variants/${key}.json": {"train", "zero_shot"},
        "fingerprints/external/${key}.json": {"external_images"},
        "fingerprints/predictions/${key}.json": {"evaluate", "tta"},
        "data/trained/${item.init}.json": {"train"},
    }.items():
        assert {name for name, stage in STAGES.items() if file in stage["deps"]} == named


def test_git_keeps_what_is_small_and_the_cache_what_is_heavy():
    """An out that DVC does not cache is lost to a clone unless git has it."""
    for name, stage in STAGES.items():
        for out in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            path, options = next(iter(out.items())) if isinstance(out, dict) else (out, {})
            in_git = path.split("/")[0] in ("reports", "fingerprints")
            assert (options.get("cache", True) is False) == in_git, (name, path)


def test_every_plot_and_artifact_is_what_a_stage_makes():
    made = [out for stage in STAGES.values() for out in outs(stage)]
    for plot in CONTENT["plots"]:
        name, options = next(iter(plot.items())) if isinstance(plot, dict) else (plot, {"y": {plot: None}})
        assert set(options["y"]) <= set(made), name
        template = options.get("template")
        assert template is None or (ROOT / f".dvc/plots/{template}.json").is_file(), name
    for artifact in CONTENT["artifacts"].values():
        assert any(within(out, artifact["path"]) for out in made), artifact


def test_test_labels_reach_the_ensemble_stage_only_and_reweighting_sees_development_metrics():
    """Nothing but TTA (images), ensemble and external (labels) depends on the test set.

    The last compares with it what is frozen, and nothing but the report depends on it.
    """
    readers = {name for name, stage in STAGES.items() if "data/sets/test.parquet" in stage["deps"]}
    assert readers == {"tta", "ensemble", "external"}
    assert [name for name in STAGES if "external" in needs(name)] == ["report"]
    for stage in ("reweight", "reweight_more"):
        deps = [d for d in STAGES[stage]["deps"] if not d.startswith(("fingerprints/", "data/settings/"))]
        assert deps == ["metrics/dev/${reweight.base}.json"]
    assert "data/sets/dev.parquet" in STAGES["evaluate"]["deps"]
    assert not any("test" in dep for dep in STAGES["evaluate"]["deps"])
