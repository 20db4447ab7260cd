import os

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.system.atomic import atomic, atomic_folder, remove_drafts
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import (
    read_json,
    read_parquet,
    read_parquet_metadata,
    write_json,
    write_parquet,
    write_text,
)
from cxrlt_core.system.tensors import read_tensor_metadata, read_tensors


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "new" / "x.txt"
    write_text(file, "old\n")
    with pytest.raises(RuntimeError), atomic(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert file.read_text() == "old\n"
    assert [f.name for f in file.parent.iterdir()] == ["x.txt"]
    with atomic(file) as temporary:
        temporary.write_text("new")
        assert file.read_text() == "old\n"
    assert file.read_text() == "new"


DEAD = 2**30  # no process has this number


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_killed_processes_had_begun_goes_and_that_of_living_ones_stays(tmp_path):
    mine = f".x.new.{os.getpid()}.tmp"
    for name in (f".x.new.{DEAD}.tmp", f".y.{DEAD}.tmp", ".8Q-dvc_x.tmp", mine, "x", "z.tmp"):
        (tmp_path / name).touch()
    (tmp_path / f".images.old.{DEAD}.tmp/a").mkdir(parents=True)
    write_text(tmp_path / "x", "new")  # own drafts of killed writers of the same file only
    assert names(tmp_path) == sorted(
        [f".y.{DEAD}.tmp", f".images.old.{DEAD}.tmp", ".8Q-dvc_x.tmp", "x", "z.tmp"]
    )
    (tmp_path / mine).touch()
    remove_drafts(tmp_path)
    assert names(tmp_path) == sorted([mine, "x", "z.tmp"])
    remove_drafts(tmp_path / "absent")


def test_a_folder_is_replaced_as_a_whole_or_stays(tmp_path):
    for content in ("old", "new"):
        with atomic_folder(tmp_path / "x") as draft:
            (draft / content).touch()
    assert names(tmp_path) == ["x"] and names(tmp_path / "x") == ["new"]
    refused = pytest.raises(StudyError, match=r"x: cannot be written: odd$")
    with refused, atomic_folder(tmp_path / "x") as draft:
        (draft / "half").touch()
        raise OSError("odd")
    assert names(tmp_path) == ["x"] and names(tmp_path / "x") == ["new"]


def test_a_link_to_a_folder_is_replaced_and_its_target_stays(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target/file").touch()
    (tmp_path / "x").symlink_to(tmp_path / "target")
    with atomic_folder(tmp_path / "x") as draft:
        (draft / "new").touch()
    assert not (tmp_path / "x").is_symlink() and names(tmp_path / "x") == ["new"]
    assert names(tmp_path / "target") == ["file"]


def test_text_is_utf_8_with_lf_and_a_json_round_trip_refuses_nan(tmp_path):
    write_text(tmp_path / "x", "ü\n✓\n")
    assert (tmp_path / "x").read_bytes() == "ü\n✓\n".encode()
    content = {"a": [1, 0.5, None], "b": "ü"}
    write_json(tmp_path / "x.json", content)
    assert read_json(tmp_path / "x.json") == content
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert read_json(tmp_path / "x.json") == content


def test_parquet_round_trip_and_equal_bytes(tmp_path):
    table = pd.DataFrame(
        {"id": ["a", None], "label": np.array([1, -1], np.int8), "p": np.array([0.5, 0.25], np.float32)},
        index=[5, 3],
    )
    for name in ("one", "two"):
        write_parquet(tmp_path / name, table.copy(), {"mark": "m"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    again = read_parquet(tmp_path / "one")
    assert again.dtypes.tolist()[1:] == [np.int8, np.float32] and again.index.tolist() == [0, 1]
    assert again["id"].isna().tolist() == [False, True]
    assert list(read_parquet(tmp_path / "one", columns=["p"])) == ["p"]
    assert read_parquet_metadata(tmp_path / "one")["mark"] == "m"


def test_a_missing_file_is_one_line(tmp_path):
    for read in (read_json, read_parquet, read_parquet_metadata, read_tensors, read_tensor_metadata):
        with pytest.raises(StudyError, match=r"none: no such file or folder$"):
            read(tmp_path / "none")
