"""The example in docs/add-a-design.md is the design that is there, and works where it is not there yet."""

import json
import re

import pytest
import yaml
from workspace import ROOT, Workspace

from cxrlt_core.designs import HOOKS

PAGE = (ROOT / "docs/add-a-design.md").read_text(encoding="utf-8")
MODULE, TEST = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
[ENTRY] = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)

FILES = {"cxrlt_core/designs/cutmix.py": MODULE, "tests/cxrlt_core/designs/test_cutmix.py": TEST}

#: What the copy says of the new variant beside the one that it was made from.
ASK = """
import json
from cxrlt_core.evidence.contrasts import find_pairs
from cxrlt_core.reporting.designs import row_designs, texts
from stages.artifacts.parameters import load_params

params = load_params()
designs = {row.name: row_designs(params, row) for row in params.table1}
print(json.dumps({
    "pairs": [vars(pair) for pair in find_pairs(designs) if "cutmix" in pair.row],
    "texts": texts(designs["resnet50_bert_cutmix"]),
}))
"""


@pytest.fixture(scope="module")
def designed(fresh) -> Workspace:
    """The copy without the design, and then with all that the page says done to it."""
    for name in FILES:
        (fresh.folder / name).unlink()
    assert fresh.run("python", "-m", "stages.code").returncode == 0
    fresh.git("add", "--all")
    fresh.git("commit", "--quiet", "--message", "before", "--allow-empty")
    for name, text in FILES.items():
        (fresh.folder / name).write_text(text, encoding="utf-8")
    with fresh.params() as params:
        entry = yaml.safe_load(ENTRY)
        params["variants"] |= entry["variants"]
        params["table1"] += entry["table1"]
    return fresh


def test_the_variants_are_a_pair(designed):
    done = designed.run("python", "-c", ASK)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    pair = {"row": "resnet50_bert_cutmix", "reference": "resnet50_bert_separate"}
    assert {"design": "CutMix", "change": "off → ✓", **pair} in said["pairs"]
    assert said["texts"]["CutMix"] == "✓"


def test_the_tree_keeps_its_rules(designed):
    tests = (
        "cxrlt_core/designs/test_cutmix.py",
        "cxrlt_core/designs/test_registry.py",
        "test_architecture.py",
    )
    pytest_alone = ("python", "-m", "pytest", "-n0", "-p", "no:cacheprovider")
    done = designed.run(*pytest_alone, *(f"tests/{name}" for name in tests))
    assert done.returncode == 0, done.stdout


def test_nothing_else_is_trained_again(designed):
    """The new file counts as code of its own variant, and of nothing else."""
    assert designed.run("python", "-m", "stages.code").returncode == 0
    changed = designed.run("git", "status", "--porcelain", "fingerprints").stdout.split()[1::2]
    new = {f"fingerprints/{kind}/resnet50_bert_cutmix.json" for kind in ("predictions", "variants")}
    assert set(changed) == new


def test_two_that_both_draw_are_the_line_that_the_page_shows(designed):
    [line] = re.findall(r"`(params\.yaml: variants\.x: [^`]*)`", PAGE)
    with designed.params() as params:
        params["variants"]["x"] = {**params["variants"]["resnet50_bert_cutmix"], "mixup": True}
    done = designed.run("python", "-c", "from stages.artifacts.parameters import load_params; load_params()")
    with designed.params() as params:
        del params["variants"]["x"]
    assert line in done.stderr


@pytest.mark.parametrize("name", FILES)
def test_the_page_has_the_file_as_it_is(name):
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name]


def test_the_page_has_every_hook_in_their_order():
    rows = re.findall(r"^\| `(\w+)\(", PAGE, flags=re.MULTILINE)
    assert rows == [hook for hook in HOOKS if hook != "views"]
