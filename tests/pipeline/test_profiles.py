"""Every profile is a complete params.yaml."""

import re
import shutil

import pytest
import yaml
from workspace import ROOT

from cxrlt_core.evidence.family import MIN_SEEDS
from stages.artifacts.parameters import load_params

PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))


@pytest.mark.parametrize("profile", [ROOT / "params.yaml", *PROFILES], ids=lambda path: path.stem)
def test_a_profile_resolves(fresh, profile):
    params = load_params(str(profile))
    shutil.copy(profile, fresh.folder / "params.yaml")
    listed = fresh.run("dvc", "stage", "list", "--name-only")
    assert listed.returncode == 0, listed.stderr
    stages = listed.stdout.split()
    per_item = {
        **dict.fromkeys(("train", "evaluate", "tta"), params.variants),
        **dict.fromkeys(("harmonize", "pack"), params.data.sources),
        **{"synthesize": params.demo.sources, "synthesize_text": params.demo.text_encoders},
        **{"embed": params.text_encoders, "encoder": params.image_encoders},
        "reweight_more": params.reweight.more,
        **dict.fromkeys(("external_images", "external", "external_attention"), params.data.external),
        "zero_shot": params.zero_shot,
    }
    single = ("code", "settings", "pretrained", "watch", "split", "pixels", "describe")
    single += ("attention", "reweight", "ensemble", "report")
    assert set(stages) == {*single, *(f"{stage}@{x}" for stage, items in per_item.items() for x in items)}


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
    assert len(params.train.seeds) >= MIN_SEEDS  # with fewer it gives no verdict
    assert {e.model for e in params.image_encoders.values()} == {"resnet50", "densenet121"}
    table1 = [0.3187, 0.3193, 0.3220, 0.3273, 0.3236, 0.3273, 0.3247, 0.3244, 0.3280]
    assert [row.published for row in params.table1] == table1
    table2 = [("model_wise", 0.347), ("class_wise", 0.348), ("class_wise", 0.349)]
    assert [(row.method, row.published) for row in params.table2 if row.published] == table2


def test_the_study_of_real_images_judges_one_change_at_a_time_and_has_the_page_s_encoder():
    params = load_params(str(ROOT / "profiles/nih-sample.yaml"))
    pairs = [pair for pair in params.evidence.primary if set(pair) <= set(params.variants)]
    assert len(pairs) == len(params.variants) - 1
    for pair in pairs:
        first, second = (params.variants[name].model_dump() for name in pair)
        assert len([key for key in first.keys() | second.keys() if first.get(key) != second.get(key)]) == 1, (
            pair
        )
    assert len(params.train.seeds) >= MIN_SEEDS and not params.report.show_images
    page = (ROOT / "docs/encoders-image.md").read_text(encoding="utf-8")
    [block] = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "lite0" in block]
    encoders = {name: encoder.model_dump() for name, encoder in params.image_encoders.items()}
    assert encoders["imagenet"] == {**encoders["scratch"], **yaml.safe_load(block)["image_encoders"]["lite0"]}
