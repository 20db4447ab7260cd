import pytest
import yaml

from cxrlt_core.params.read import read_params_file
from stages.artifacts.code import ROOT


@pytest.mark.parametrize("path", [ROOT / "params.yaml", *ROOT.glob("profiles/*.yaml")], ids=lambda p: p.name)
def test_every_profile_reads_as_it_did(path):
    assert read_params_file(path) == yaml.safe_load(path.read_text(encoding="utf-8"))


def test_merged_keys_may_be_overridden(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: &a {x: 1, y: -2}\nb:\n  <<: *a\n  y: 0\n")
    assert read_params_file(path)["b"] == {"x": 1, "y": 0}
