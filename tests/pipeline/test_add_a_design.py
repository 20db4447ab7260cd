"""The example in docs/add-a-design.md works as it stands, applied to a copy of the repository."""

import json
import re

import pytest
import yaml
from workspace import ROOT, Workspace

PAGE = (ROOT / "docs/add-a-design.md").read_text(encoding="utf-8")
MODULE, TEST = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
[DIFF] = re.findall(r"```diff\n(.*?)```", PAGE, flags=re.DOTALL)
[SED] = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
[ENTRY] = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)

LOAD = "from stages.artifacts.border import load_params; load_params"

#: What the copy says of the new variant beside the one that it was made from.
ASK = """
import json
from cxrlt_core.evidence.contrasts import find_pairs
from cxrlt_core.reporting.designs import row_designs, texts
from stages.artifacts import identity
from stages.artifacts.border import load_params

identity.file_hash, identity.read_weights = str, lambda name, seed: {}  # nothing has run
params = load_params()
designs = {row.name: row_designs(params, row) for row in params.table1}
print(json.dumps({
    "pairs": [vars(pair) for pair in find_pairs(designs) if "smoothed" in pair.row],
    "texts": texts(designs["resnet50_bert_smoothed"]),
    "trainings": [
        identity.fingerprint(identity.training_identity(params, name, 0))
        for name in ("resnet50_bert_separate", "resnet50_bert_smoothed")
    ],
}))
"""


@pytest.fixture(scope="module")
def designed(fresh) -> Workspace:
    """The copy with all that the page says done to it, its own line excepted."""
    (fresh.folder / "cxrlt_core/designs/smoothing.py").write_text(MODULE, encoding="utf-8")
    (fresh.folder / "tests/cxrlt_core/designs/test_smoothing.py").write_text(TEST, encoding="utf-8")
    (fresh.folder.parent / "page.diff").write_text(DIFF, encoding="utf-8")
    fresh.git("apply", "../page.diff")
    fresh.complaint = fresh.run("python", "-c", f"{LOAD}()").stderr
    assert fresh.run("sh", "-c", SED).returncode == 0
    with fresh.params() as params:
        entry = yaml.safe_load(ENTRY)
        params["variants"] |= entry["variants"]
        params["table1"] += entry["table1"]
    return fresh


def test_a_variant_without_the_field_is_the_line_that_the_page_shows(designed):
    [line] = re.findall(r"`(params\.yaml: variants[^`]*)`", PAGE)
    assert line in designed.complaint


def test_the_variants_are_a_pair_and_their_trainings_differ(designed):
    done = designed.run("python", "-c", ASK)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {
        "design": "label smoothing",
        "change": "off → 0.1",
        "row": "resnet50_bert_smoothed",
        "reference": "resnet50_bert_separate",
    } in said["pairs"]
    assert said["texts"]["label smoothing"] == "0.1"
    assert len(set(said["trainings"])) == 2


def test_the_tree_keeps_its_rules(designed):
    """The documented test passes, every profile is whole, and DVC tracks what training reads."""
    tests = ("cxrlt_core/designs/test_smoothing.py", "stages/test_dvc_yaml.py", "test_architecture.py")
    pytest_alone = ("python", "-m", "pytest", "-n0", "-p", "no:cacheprovider")
    done = designed.run(*pytest_alone, *(f"tests/{name}" for name in tests))
    assert done.returncode == 0, done.stdout
    for path in [designed.folder / "params.yaml", *designed.folder.glob("profiles/*.yaml")]:
        done = designed.run("python", "-c", f"{LOAD}({str(path)!r})")
        assert done.returncode == 0, done.stderr


def test_a_new_design_trains_by_one_stage(designed):
    """The new code counts as code of training, and of nothing before it."""
    assert designed.run("python", "-m", "stages.code").returncode == 0
    changed = designed.run("git", "diff", "--name-only", "fingerprints").stdout.split()
    assert "fingerprints/train.json" in changed
    assert not {f"fingerprints/{stage}.json" for stage in ("evaluate", "tta", "pack", "split")} & set(changed)
