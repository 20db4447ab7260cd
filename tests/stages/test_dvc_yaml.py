import pytest
import yaml
from imports import ROOT, closure

from cxrlt_core.sources import readers

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def body(stage):
    return stage.get("do", stage)


def code_of(stage):
    return {d for d in body(stage)["deps"] if d.endswith(".py")}


#: The reader of a source is imported by its name.
READER = "cxrlt_core/sources/${key}.py"


def test_each_stage_depends_on_exactly_the_modules_it_imports():
    for name, stage in STAGES.items():
        imported = closure(f"stages/{name}.py")
        reads = {READER} if "cxrlt_core/sources/__init__.py" in imported else set()
        assert code_of(stage) == imported | reads, name


@pytest.mark.parametrize("reader", readers())
def test_a_reader_imports_nothing_that_its_stages_do_not_list(reader):
    module = f"cxrlt_core/sources/{reader}.py"
    stages = [name for name, stage in STAGES.items() if READER in code_of(stage)]
    assert stages == ["harmonize", "pack"]
    for name in stages:
        assert closure(module) - {module} <= code_of(STAGES[name]), name


def test_every_stage_module_is_in_the_pipeline_or_imported_by_one():
    used = set().union(*(code_of(stage) for stage in STAGES.values()))
    used -= {READER}
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
