"""Every profile is a complete params.yaml."""

import re
import shutil

import pytest
from workspace import ROOT

from stages.artifacts.border import load_params

PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))


@pytest.mark.parametrize("profile", [ROOT / "params.yaml", *PROFILES], ids=lambda path: path.stem)
def test_a_profile_resolves(fresh, profile):
    params = load_params(str(profile))
    shutil.copy(profile, fresh.folder / "params.yaml")
    listed = fresh.run("dvc", "stage", "list", "--name-only")
    assert listed.returncode == 0, listed.stderr
    stages = listed.stdout.split()
    expected = {f"{stage}@{v}" for stage in ("train", "evaluate", "tta") for v in params.variants}
    expected |= {f"{stage}@{s}" for stage in ("harmonize", "pack") for s in params.data.sources}
    expected |= {f"synthesize@{s}" for s in params.demo.sources}
    expected |= {f"synthesize_text@{t}" for t in params.demo.text_encoders}
    expected |= {f"embed@{t}" for t in params.text_encoders}
    expected |= {f"encoder@{i}" for i in params.image_encoders}
    expected |= {f"reweight_more@{w}" for w in params.reweight.more}
    assert set(stages) == expected | {
        *("code", "settings", "pretrained", "watch", "split", "pixels", "describe"),
        *("attention", "reweight", "ensemble", "report"),
    }


def test_a_third_reweighting_is_one_entry(fresh):
    """Its weights are a stage of their own, and a variant on them trains after it."""
    shutil.copy(ROOT / "profiles/smoke.yaml", fresh.folder / "params.yaml")
    fresh.edit("more: {}", "more: {mild: {ratio: 1.5, rule: bottom_k, k: 5}}")
    fresh.edit("weights: contrast,", "weights: mild,")
    graph = fresh.run("dvc", "dag", "--dot", "train@resnet50_t5_contrast_mixup")
    assert graph.returncode == 0, graph.stderr
    edges = {tuple(re.findall(r'"([^"]+)"', line)) for line in graph.stdout.splitlines() if "->" in line}
    assert ("reweight_more@mild", "train@resnet50_t5_contrast_mixup") in edges
    assert ("evaluate@resnet50_bert_separate", "reweight_more@mild") in edges
    assert not [edge for edge in edges if edge[0] == "reweight"]


def test_the_paper_profile_states_the_published_setting():
    params = load_params(str(ROOT / "profiles/paper.yaml"))
    query = params.query
    assert (query.width, query.layers, query.heads, query.feedforward) == (768, 4, 4, 1024)
    assert params.image.size == 512
    assert {e.model for e in params.image_encoders.values()} == {"resnet50", "densenet121"}
    assert [row.published for row in params.table1] == [
        0.3187, 0.3193, 0.3220, 0.3273, 0.3236, 0.3273, 0.3247, 0.3244, 0.3280,
    ]  # fmt: skip
    assert [(row.method, row.published) for row in params.table2 if row.published] == [
        ("model_wise", 0.347), ("class_wise", 0.348), ("class_wise", 0.349),
    ]  # fmt: skip
