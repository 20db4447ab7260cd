import pytest
import yaml

from cxrlt_core.params.read import read_params_file
from cxrlt_core.system.errors import StudyError
from stages.artifacts.code import ROOT

BAD = {
    "an octal number": ("a:\n  epochs: 010", "line 2: 010 is no plain number, expected decimal digits, no"),
    "an hour": ("steps: 1:30", "line 1: 1:30 is no plain number"),
    "a hexadecimal number": ("steps: 0x10", "line 1: 0x10 is no plain number"),
    "a binary number": ("steps: 0b11", "line 1: 0b11 is no plain number"),
    "underscores": ("steps: 1_000", "line 1: 1_000 is no plain number"),
    "a key twice": ("a: 1\nb: 2\na: 3", "line 3: key 'a' is there twice, expected it once"),
    "a key twice within": ("a:\n  b: 1\n  c: {d: 1, d: 1}", "line 3: key 'd' is there twice"),
    "a section twice": ("train: {a: 1}\ndata: {}\ntrain: {b: 1}", "line 3: key 'train' is there twice"),
    "a bracket": ("a: [1", "not valid YAML: "),
    "a tab": ("a:\n\tb: 1", "not valid YAML: "),
    "a list as key": ("? [1]\n: 2", "not valid YAML: "),
    "an object": ("a: !!python/object:os.system {}", "not valid YAML: "),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_read_alike_everywhere_is_a_line(tmp_path, name):
    text, line = BAD[name]
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as found:
        read_params_file(path)
    assert str(found.value).startswith(f"{path}: {line}") and "\n" not in str(found.value)


def test_other_encodings_are_a_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes("title: Übersicht".encode("latin-1"))
    with pytest.raises(StudyError, match=r"params\.yaml: not UTF-8 text at byte 7; save it as UTF-8$"):
        read_params_file(path)
    with pytest.raises(StudyError, match=r"none: no such file or folder$"):
        read_params_file(tmp_path / "none")


@pytest.mark.parametrize("path", [ROOT / "params.yaml", *ROOT.glob("profiles/*.yaml")], ids=lambda p: p.name)
def test_every_profile_reads_as_it_did(path):
    assert read_params_file(path) == yaml.safe_load(path.read_text(encoding="utf-8"))


def test_merged_keys_may_be_overridden(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: &a {x: 1, y: -2}\nb:\n  <<: *a\n  y: 0\n")
    assert read_params_file(path)["b"] == {"x": 1, "y": 0}
