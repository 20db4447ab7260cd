"""The example in docs/add-a-loss.md works as it stands."""

import inspect
import re
import sys
from pathlib import Path

import pytest
import test_losses
import yaml

from cxrlt_core import losses
from cxrlt_core.losses import build_loss, find_kind, kinds
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.designs import row_designs
from cxrlt_core.study.parse import parse_params
from cxrlt_core.study.variants import loss_of
from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.checkpoint import Checkpoint

PAGE = (Path(__file__).parents[3] / "docs/add-a-loss.md").read_text(encoding="utf-8")
MODULE, TEST = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
*_, ENTRY = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
RULES = [
    rule
    for name, rule in vars(test_losses).items()
    if name.startswith("test_") and "settings" in inspect.signature(rule).parameters
]


@pytest.fixture(autouse=True)
def documented(tmp_path, monkeypatch) -> None:
    """Put the documented module beside the others."""
    (tmp_path / "poly.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(losses, "__path__", [*losses.__path__, str(tmp_path)])
    yield
    sys.modules.pop("cxrlt_core.losses.poly", None)
    vars(losses).pop("poly", None)


def study(content: dict, entry: dict) -> Params:
    merged = {key: {**content[key], **entry[key]} for key in ("losses", "variants")}
    return parse_params({**content, **merged, "table1": [*content["table1"], *entry["table1"]]})


def test_the_documented_loss_is_found_and_read_and_trains(smoke_content, training, toy, tmp_path):
    assert "poly" in kinds()
    params = study(smoke_content, ENTRY)
    settings = loss_of(params, "resnet50_bert_poly")
    assert settings == find_kind("poly").Settings(kind="poly", epsilon=2)
    assert row_designs(params, params.table1[-1])["loss"].text == "poly"
    history = training(epochs=10, loss=build_loss(settings, toy[1])).run(Checkpoint(tmp_path / "run"))
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    [line] = re.findall(r"`(params\.yaml: losses\.poly[^`]*)`", PAGE)
    with pytest.raises(StudyError) as caught:
        study(smoke_content, {**ENTRY, "losses": {"poly": {"kind": "poly"}}})
    assert str(caught.value) == line


def test_the_documented_test_passes(batch):
    namespace = {}
    exec(TEST, namespace)
    test = namespace["test_equals_a_double_loop"]
    [values] = (mark.args[1] for mark in test.pytestmark)
    for epsilon in values:
        test(batch, epsilon)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_it_keeps_the_rules(rule, batch):
    settings = find_kind("poly").Settings(kind="poly", epsilon=2)
    rule(settings, batch) if "batch" in inspect.signature(rule).parameters else rule(settings)
