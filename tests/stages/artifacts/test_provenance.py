"""What identifies a row changes with what the row is made from, and with nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import write_json, write_text
from cxrlt_core.system.tensors import write_tensors
from stages.artifacts import provenance

SMOKE = Path(__file__).parents[3] / "profiles/smoke.yaml"
BERT, T5 = "resnet50_bert_shared", "resnet50_t5_contrast_mixup"
IMAGE = {"network": "resnet10t", "commit": None, "weights": {"file": "w.pth", "sha256": "f00d"}}
HERE = {"device": "CPU", "when": "2026-01-02 03:04 UTC", **provenance.versions()}
COST = {"steps": 4, "seconds": 2.0, "environments": [HERE]}


@pytest.fixture
def content() -> dict:
    return yaml.safe_load(SMOKE.read_text())


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Make the record of a row of one variant from the content of a params file."""
    monkeypatch.chdir(tmp_path)
    for name in ("train_primary", "train_replenished", "dev", "test"):
        write_text(f"data/sets/{name}.parquet", name)
    for name in ("resnet50", "densenet121"):
        write_json(f"data/encoders/{name}.json", {**IMAGE, "tokens": 49})
    origin = {"weights": json.dumps({"commit": "c0ffee"})}
    for name in ("pubmedbert", "clinical_t5"):
        write_tensors(f"data/text/{name}.safetensors", {"embeddings": np.zeros(2)}, origin)

    def make(content: dict, variant: str = BERT, table: str = "table1") -> dict:
        params = parse_params(content)
        write_json(f"data/trained/{variant}.json", {str(s): {} for s in params.train.seeds})
        return provenance.record(params, table, {"variant": variant}, [variant])

    return make


def test_parameters_of_other_rows_do_not_matter(record, content):
    before = {name: record(content, name)["params"] for name in (BERT, T5)}
    content["text_encoders"]["clinical_t5"]["pooling"] = "cls"
    after = {name: record(content, name)["params"] for name in (BERT, T5)}
    assert after[BERT] == before[BERT] and after[T5] != before[T5]
    content["train"]["learning_rate"] = 0.001
    assert record(content)["params"] != before[BERT]


def test_data_are_the_sets_that_the_row_has_seen(record, content):
    first, second = record(content), record(content, table="table2")
    assert set(first["sets"]) == {"train_primary", "dev"}
    assert set(second["sets"]) == {"train_primary", "dev", "test"}
    Path("data/sets/test.parquet").write_text("other")
    assert record(content)["data"] == first["data"]
    assert record(content, table="table2")["data"] != second["data"]


def test_a_row_names_the_weights_of_its_encoders_and_its_variants(record, content):
    assert record(content, T5)["image_encoders"] == {"resnet50": IMAGE}
    assert record(content, T5)["text_encoders"] == {"clinical_t5": {"commit": "c0ffee"}}
    assert record(content)["trainings"] == [BERT] and set(record(content)["models"][BERT]) == {"0"}


def test_every_training_and_embedding_says_by_itself_what_computed_it(content, tmp_path, monkeypatch):
    """Not the environment of the report, which is that of whoever ran it last."""
    monkeypatch.chdir(tmp_path)
    content["train"]["seeds"] = [0, 7]
    costs = {"0": COST, "7": {**COST, "environments": [{**HERE, "device": "another"}]}}
    for seed, cost in costs.items():
        write_json(f"models/{BERT}/{seed}/cost.json", cost)
    for name in ("pubmedbert", "clinical_t5"):
        write_json(f"data/text/{name}.json", {"device": name})
    params = parse_params(content).model_copy(update={"table1": [], "table2": []})
    found = provenance.provenance(params, {})
    assert found["trainings"][BERT] == costs and found["embeddings"]["clinical_t5"] == {
        "device": "clinical_t5"
    }
    assert {"code", "Python", "torch", "scipy", "scikit-learn"} <= set(found["report"])
    assert not {"versions", "revision", "when", "device"} & {*found, *found["report"]}


def test_another_version_makes_no_training_due_and_a_line_says_so(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = parse_params(content)
    assert provenance.other_versions(params) == []
    for name, torch in ((BERT, HERE["torch"]), (T5, "1.0"), ("resnet50_bert_separate", "1.0")):
        environment = {**HERE, "torch": torch, "device": "another"}
        write_json(f"models/{name}/0/cost.json", {**COST, "environments": [environment]})
    [line] = provenance.other_versions(params)
    assert line == (
        f"resnet50_bert_separate, {T5}: trained with torch 1.0 (here {HERE['torch']}); not due for that, "
        "and trained anew, once checkpoints/ is removed, by "
        "dvc repro --force --single-item train@resnet50_bert_separate"
    )
