"""What a kill can leave is put right; DVC itself says which dvc.lock it loads."""

import subprocess
import sys
from pathlib import Path

import pytest
from dvc.dvcfile import Lockfile
from dvc.exceptions import DvcException
from dvc.utils.serialize import parse_yaml
from dvc.utils.strictyaml import YAMLValidationError

from stages.artifacts.parameters import load_params
from tests.architecture import ROOT
from tools import recover

STAGE = """\
  train@{name}:
    cmd: python -m stages.train
      {name}
    deps:
    - path: data/sets
      hash: md5
      md5: 0123456789abcdef0123456789abcdef.dir
    params:
      params.yaml:
        train:
          epochs: 1
    outs:
    - path: models
      hash: md5
      md5: 0123456789abcdef0123456789abcdef.dir
"""
WHOLE = "schema: '2.0'\nstages:\n" + STAGE.format(name="first") + STAGE.format(name="second")
DVC = "import time; time.sleep(60)"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A study's folder; call it to recover, and to read dvc.lock then."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_bytes((ROOT / "profiles/smoke.yaml").read_bytes())
    params = load_params()
    Path(".dvc/tmp").mkdir(parents=True)

    def recovered(text: str | bytes) -> str | None:
        recover.LOCK.write_bytes(text if isinstance(text, bytes) else text.encode())
        recover.main(params)
        return recover.LOCK.read_text() if recover.LOCK.exists() else None

    return recovered


def commit(text: str) -> None:
    recover.LOCK.write_text(text)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "--quiet"], ["add", "dvc.lock"], [*who, "commit", "--quiet", "-m", "lock"]):
        subprocess.run(["git", *command], check=True)


def loads(text: str) -> bool:
    """Whether DVC loads a dvc.lock."""
    try:
        return bool(Lockfile.validate(parse_yaml(text, "dvc.lock"), "dvc.lock")["stages"])
    except (DvcException, YAMLValidationError, KeyError, TypeError):
        return False


def test_what_passes_for_whole_is_loaded_by_dvc_and_has_no_value_cut_short():
    whole = [cut for cut in range(len(WHOLE) + 1) if recover.is_whole(WHOLE[:cut])]
    assert whole[-1] == len(WHOLE) and len(whole) > 10
    for cut in whole:
        assert loads(WHOLE[:cut]) and WHOLE[cut - 1] == "\n", cut


@pytest.mark.parametrize(
    "torn", ["", WHOLE[:-1], WHOLE.encode() + b"  tr\xc3", WHOLE + "\0", "- 1\n", "stages:\n"]
)
def test_a_torn_lock_is_removed_or_that_of_git(clone, torn, capsys):
    assert clone(torn) is None
    assert capsys.readouterr().out == "dvc.lock: torn, removed\n"
    commit(WHOLE)
    assert clone(torn) == WHOLE
    assert capsys.readouterr().out == "dvc.lock: torn, replaced by the version of git\n"
    commit(WHOLE[:-1])  # as torn as the other
    assert clone(torn) is None


def test_what_stops_dvc_and_what_was_begun_goes_and_the_rest_stays(clone, capsys):
    kept = [
        "data/raw/nih/images/.x.tmp",
        ".dvc/cache/runs/a1/a1whole/b2",
        "models/resnet50_bert_separate/0/x",
    ]
    gone = [
        ".dvc/tmp/rwlock", ".dvc/cache/runs/a1/a1torn/.8Q-dvc_x.tmp", "models/.x.tmp",
        "data/sets/.x.new.9999999.tmp", "models/removed/0/x",
    ]  # fmt: skip
    for name in [*kept, *gone]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path(".dvc/cache/runs/a1/a1empty").mkdir()
    assert clone(WHOLE) == WHOLE and capsys.readouterr().out == ""
    assert [name for name in [*kept, *gone] if Path(name).exists()] == kept
    assert [path.name for path in Path(".dvc/cache/runs").glob("*/*")] == ["a1whole"]


def test_nothing_is_touched_while_a_dvc_is_at_work(clone, tmp_path):
    (tmp_path / "dvc").write_text(DVC)
    (tmp_path / ".dvc/tmp/rwlock").touch()
    with subprocess.Popen([sys.executable, "dvc"], cwd=tmp_path) as dvc:
        assert clone(WHOLE[:-1]) == WHOLE[:-1]
        dvc.kill()
    assert (tmp_path / ".dvc/tmp/rwlock").exists()
    assert clone(WHOLE[:-1]) is None and not (tmp_path / ".dvc/tmp/rwlock").exists()
