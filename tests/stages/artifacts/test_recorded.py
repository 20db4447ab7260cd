"""What runs is what DVC records, or a line: edits while a stage starts, runs and ends."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from cxrlt_core.params.schema import Params
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json, write_text
from stages import settings
from stages.artifacts import parameters, recorded
from stages.artifacts.code import ROOT, meaning
from stages.artifacts.parameters import params_of
from stages.artifacts.recorded import find_stage, unchanged

PARAMS = parse_params(yaml.safe_load((ROOT / "profiles/smoke.yaml").read_text()))
CODE = "core/thing.py"
PIPELINE = """
stages:
  other: {cmd: python -m stages.other, deps: [a.txt], outs: [b.txt]}
  train:
    foreach: ${variants}
    do:
      cmd: python -m stages.train ${key}
      deps: ["data/${item.text}", fingerprints/train.json]
      outs: ["models/${key}", {kept.txt: {persist: true}}]
      metrics: [{score.json: {cache: false}}]
"""
VARIANT = "resnet50_bert_shared"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Iterator[Path]:
    """A study of a stage that reads a folder, and of its code in one file; it has begun to run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recorded, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage", VARIANT])
    write_text("dvc.yaml", PIPELINE)
    write_text(CODE, "x = 1\n")
    write_json("fingerprints/train.json", {CODE: meaning("x = 1")})
    for name in ("data/pubmedbert/a", "data/pubmedbert/b", "data/other"):
        write_text(name, name)
    return tmp_path


def run(during: Callable[[], object] = lambda: None) -> None:
    with unchanged("stages.train", PARAMS):
        for out in (f"models/{VARIANT}/x", "kept.txt", "score.json"):
            write_text(out, "made")
        during()


def there() -> set[str]:
    return {out for out in (f"models/{VARIANT}", "kept.txt", "score.json") if Path(out).exists()}


def test_a_stage_that_nobody_disturbs_writes_what_it_makes(folder):
    run()
    assert there() == {f"models/{VARIANT}", "kept.txt", "score.json"}


@pytest.mark.parametrize(
    "edit",
    [
        lambda: write_text("data/other", "no input"),
        lambda: write_text(CODE, "x = 1  # a comment\n"),
        lambda: write_text("core/new.py", "y = 2\n"),
        lambda: write_text("params.yaml", "another experiment"),
    ],
)
def test_what_is_no_input_and_means_the_same_may_change(folder, edit):
    run(edit)
    assert len(there()) == 3


@pytest.mark.parametrize(
    ("edit", "file"),
    [
        (lambda: write_text("data/pubmedbert/a", "data/pubmedbert/x"), "data/pubmedbert/a"),
        (lambda: write_text("data/pubmedbert/c", "new"), "data/pubmedbert/c"),
        (lambda: Path("data/pubmedbert/b").unlink(), "data/pubmedbert/b"),
        (lambda: write_json("fingerprints/train.json", {}), "fingerprints/train.json"),
        (lambda: write_text(CODE, "x = 2\n"), CODE),
        (lambda: write_text(CODE, "x ="), CODE),
        (lambda: Path(CODE).unlink(), CODE),
    ],
)
def test_an_edit_while_a_stage_runs_is_a_line_without_output(folder, edit, file):
    """But for what DVC lets stand from run to run."""
    with pytest.raises(StudyError, match=rf"^{file}: changed while python -m stages.train {VARIANT} ran"):
        run(edit)
    assert there() == {"kept.txt"}


def test_code_that_was_edited_before_a_stage_began_is_a_line_and_it_does_not_begin(folder):
    write_text(CODE, "x = 2\n")
    with pytest.raises(StudyError, match=rf"^{CODE}: edited since this run began"):
        run()
    assert there() == set()


def test_an_error_of_the_stage_is_the_one_that_is_shown(folder):
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 / 0)


def test_what_is_no_stage_is_not_watched(folder, monkeypatch):
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with unchanged("tools.due", None):
        write_text("dvc.yaml", "stages: {}")
    with unchanged("stages.train", PARAMS):
        pass  # by hand, of no pipeline any more
    monkeypatch.setenv("DVC_STAGE", "train")
    with pytest.raises(StudyError, match=rf"^dvc.yaml: no stage runs python -m stages.train {VARIANT}"):
        run()


@pytest.mark.parametrize("stage", ["code", "settings"])
def test_a_stage_that_reads_params_yaml_ends_where_it_has_changed(folder, monkeypatch, stage):
    entry = {"code": "params: [variants]", "settings": "deps: [params.yaml]"}[stage]
    entry += ", deps: []" if stage == "code" else ""
    write_text("dvc.yaml", f"stages: {{{stage}: {{cmd: python -m stages.{stage}, {entry}}}}}")
    write_text("params.yaml", "a")
    monkeypatch.setattr(sys, "argv", ["stage"])
    monkeypatch.setattr(recorded, "params_of", lambda module: PARAMS)
    with (
        pytest.raises(StudyError, match=r"^params\.yaml: changed while"),
        unchanged(f"stages.{stage}", PARAMS),
    ):
        write_text("params.yaml", "b")
    with pytest.raises(StudyError, match=r"^params\.yaml: changed while"):
        other = PARAMS.model_copy(update={"report": None})
        with unchanged(f"stages.{stage}", other):
            pytest.fail("began with what it had read before")


def test_every_stage_is_found_by_its_command_with_what_dvc_tracks():
    """DVC's own resolver is the reference."""
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        stages = [stage for stage in repo.index.stages if stage.cmd]
    own = parse_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
    assert len(stages) > 40
    for stage in stages:
        found = find_stage(stage.cmd, own)
        deps = {str(dep) for dep in stage.deps}
        outs = {str(out) for out in stage.outs if not out.persist}
        assert {*found.deps} == deps and {*found.outs} == outs, stage.addressing


def test_stages_read_what_settings_wrote_whatever_params_yaml_says_by_now(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parameters, "check_store", lambda store: None)
    write_text("params.yaml", (ROOT / "profiles/smoke.yaml").read_text())
    with pytest.raises(StudyError, match=r"^data/settings/params\.json: no such file; dvc repro settings"):
        params_of("stages.train")
    settings.main(params_of("stages.settings"))
    write_text("params.yaml", Path("params.yaml").read_text().replace("learning_rate: ", "learning_rate: 1"))
    assert params_of("stages.train") == PARAMS != params_of("stages.settings") == params_of("tools.due")


@pytest.mark.parametrize("profile", sorted(ROOT.glob("profiles/*.yaml")), ids=lambda path: path.stem)
def test_parameters_come_back_from_their_record_as_they_were(profile):
    params = parse_params(yaml.safe_load(profile.read_text()))
    assert Params.model_validate(json.loads(json.dumps(params.model_dump(mode="json")))) == params
