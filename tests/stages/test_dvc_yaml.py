import yaml
from imports import ROOT, closure

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def body(stage):
    return stage.get("do", stage)


def code_of(stage):
    return {d for d in body(stage)["deps"] if d.endswith(".py")}


def test_each_stage_depends_on_exactly_the_modules_it_imports():
    for name, stage in STAGES.items():
        assert code_of(stage) == closure(f"stages/{name}.py"), name


def test_every_stage_module_is_in_the_pipeline_or_imported_by_one():
    used = set().union(*(code_of(stage) for stage in STAGES.values()))
    written = {f"stages/{p.name}" for p in (ROOT / "stages").glob("*.py") if p.name != "__init__.py"}
    assert written == {file for file in used if file.startswith("stages/")}


def test_test_labels_reach_the_ensemble_stage_only():
    """Nothing but TTA (images) and ensemble (labels) depends on the test set."""
    readers = {name for name, stage in STAGES.items() if "data/sets/test.parquet" in body(stage)["deps"]}
    assert readers == {"tta", "ensemble"}


def test_reweighting_sees_development_metrics_only():
    assert [d for d in STAGES["reweight"]["deps"] if not d.endswith(".py")] == [
        "metrics/dev/${reweight.base}.json"
    ]
