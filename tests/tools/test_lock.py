"""A dvc.lock cut at any byte is mended to what DVC loads, and no entry in it is false."""

import os
import subprocess
import sys

import pytest
import yaml

from tools.lock import folders, is_whole, mend, mend_readers, mend_runs, whole_stages

SHA = "0123456789abcdef0123456789abcdef"
STAGE = """\
  {name}:
    cmd: python -m stages.train
      {name}
    deps:
    - path: data/sets
      md5: {sha}.dir
    params:
      params.yaml:
        train: 1
    outs:
    - path: models
      md5: {sha}.dir
      nfiles: 4
"""
NAMES = ["train@first", "train@second"]
WHOLE = "schema: '2.0'\nstages:\n" + "".join(STAGE.format(name=name, sha=SHA) for name in NAMES)


def stages(text: str) -> dict:
    return yaml.load(text, yaml.CSafeLoader)["stages"]


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "dvc.lock"


@pytest.fixture
def commit(lock):
    """Commit a text as dvc.lock."""

    def commit(text: str) -> None:
        lock.write_text(text)
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        for command in (["init", "--quiet"], ["add", "dvc.lock"], [*who, "commit", "--quiet", "-m", "lock"]):
            subprocess.run(["git", *command], cwd=lock.parent, check=True)

    return commit


def test_a_whole_file_stays_as_it_is(lock):
    lock.write_text(WHOLE)
    before = lock.stat()
    assert mend(lock) == "dvc.lock: whole"
    assert lock.read_text() == WHOLE
    assert lock.stat().st_mtime_ns == before.st_mtime_ns and lock.stat().st_ino == before.st_ino


def test_no_file_is_no_error(lock):
    assert mend(lock) == "dvc.lock: not there yet"
    assert not lock.exists()


def test_what_is_whole():
    assert is_whole(WHOLE)
    head = "schema: '2.0'\n"
    for torn in ("", "\n", head, head + "stages:\n", WHOLE[:-1], WHOLE.replace("'2.0'", "'3.0'")):
        assert not is_whole(torn)
    cut = WHOLE.index("    deps")
    assert is_whole(WHOLE[:cut])  # a stage that ends after its command
    assert not is_whole(WHOLE[: cut + len("    deps:\n    - ")])


def test_a_cut_at_any_byte_leaves_the_stages_before_it(lock):
    """And no hash cut short: DVC would look that of an out up, find nothing and run the stage again."""
    ends = [WHOLE.index(f"  {name}:") + 3 for name in NAMES[1:]]  # seen by the first letter of the next
    original = stages(WHOLE)
    for cut in range(len(WHOLE)):
        lock.write_text(WHOLE[:cut])
        said = mend(lock)
        finished = [name for name, end in zip(NAMES, ends, strict=False) if end <= cut]
        left = stages(lock.read_text()) if lock.exists() else {}
        assert lock.exists() == (said != "dvc.lock: torn, removed"), cut
        assert {name: left[name] for name in finished} == {name: original[name] for name in finished}, cut
        assert list(left) == finished or said == "dvc.lock: whole", cut
        hashes = [out["md5"] for stage in left.values() for out in stage.get("outs") or () if "md5" in out]
        assert set(hashes) <= {f"{SHA}.dir"}, cut


def test_an_empty_file_becomes_the_one_of_git(lock, commit):
    commit(WHOLE)
    lock.write_text("")
    assert mend(lock) == "dvc.lock: torn, replaced by the version of git"
    assert lock.read_text() == WHOLE


def test_a_torn_file_in_git_is_not_taken(lock, commit):
    commit(WHOLE[:-1])
    lock.write_text("")
    assert mend(lock) == "dvc.lock: torn, removed"
    assert not lock.exists()


def test_bytes_that_are_no_text_are_mended(lock):
    lock.write_bytes(WHOLE.encode() + "  trän".encode()[:-2])
    assert mend(lock) == "dvc.lock: torn, replaced by its whole stages"
    assert stages(lock.read_text()) == {name: stages(WHOLE)[name] for name in NAMES}


def test_a_file_without_stages_has_no_whole_ones():
    assert whole_stages("schema: '2.0'\nstages:\n") == ""


NOTE = '{{"write": {{"/a/models": {{"pid": {pid}, "cmd": "dvc repro"}}}}}}'


@pytest.mark.parametrize(
    "text",
    ["", '{"read": {"/a', '{"read": {}}', NOTE.format(pid=2**30), NOTE.format(pid=os.getpid())],
    ids=["empty", "torn", "nobody", "gone", "no dvc"],
)
def test_a_note_of_readers_goes_if_it_is_torn_or_no_dvc_is_in_it(tmp_path, text):
    """DVC refuses to work with a torn one, or one that names a process that runs, dvc or not."""
    path = tmp_path / "rwlock"
    mend_readers(path)
    path.write_text(text)
    mend_readers(path)
    assert not path.exists()


def test_the_note_of_a_dvc_that_runs_stays(tmp_path):
    (tmp_path / "dvc").write_text("import time; time.sleep(60)")
    dvc, path = subprocess.Popen([sys.executable, tmp_path / "dvc"]), tmp_path / "rwlock"
    path.write_text(NOTE.format(pid=dvc.pid))
    mend_readers(path)
    dvc.kill()
    dvc.wait()
    assert path.exists()


def test_what_was_begun_in_the_run_cache_goes(tmp_path):
    for name in ("a1/a1whole/b2", "a1/a1torn/.8Q-dvc_x.tmp", "c3/c3both/d4", "c3/c3both/.8Q-dvc_x.tmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a1/a1empty").mkdir()
    mend_runs(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*/*")}
    assert left == {"a1/a1whole/b2", "c3/c3both/d4"}
    assert {path.name for path in tmp_path.glob("*/*")} == {"a1whole", "c3both"}
    mend_runs(tmp_path / "absent")


def test_images_are_not_looked_through(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data/raw/nih/images", "data/local/nih", "data/sets", "models/a/0", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    found = {folder.as_posix() for folder in folders()}
    assert found == {"data", "data/raw", "data/raw/nih", "data/sets", "models", "models/a", "models/a/0"}
