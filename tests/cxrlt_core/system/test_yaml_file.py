import pytest
import yaml
from dvc.utils.serialize import parse_yaml

from cxrlt_core.system.yaml_file import read_yaml
from stages.artifacts.code import ROOT


@pytest.mark.parametrize("path", [ROOT / "params.yaml", *ROOT.glob("profiles/*.yaml")], ids=lambda p: p.name)
def test_every_profile_reads_as_it_did(path):
    assert read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8"))


def test_merged_keys_may_be_overridden(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: &a {x: 1, y: -2}\nb:\n  <<: *a\n  y: 0\n")
    assert read_yaml(path)["b"] == {"x": 1, "y": 0}


NUMBERS = ("1e-4", "2E5", "1.e3", "-1.5e3", "+12e03", "0e0", "1.5", "-7", ".5", "+.inf")
TEXTS = ("1e", "e5", "0o8", "1e1_0", "'1e-4'", '"08"', "-.5e3", "v1e4", "1-e4", "y")


@pytest.mark.parametrize("scalar", [*NUMBERS, *TEXTS])
def test_a_scalar_is_what_dvc_reads(tmp_path, scalar):
    path = tmp_path / "params.yaml"
    path.write_text(f"options: {{a: {scalar}}}\n")
    ours, theirs = read_yaml(path)["options"]["a"], parse_yaml(path.read_text(), "")["options"]["a"]
    assert ours == theirs and type(ours) is type(theirs)
    assert isinstance(ours, str) == (scalar in TEXTS)
