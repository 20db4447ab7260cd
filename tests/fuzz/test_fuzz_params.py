"""Any params.yaml gives a study or lines."""

import pytest
import yaml
from dvc.utils.serialize import parse_yaml
from hypothesis import given

from cxrlt_core.params.schema import Params
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.yaml_file import read_yaml
from tests.architecture import ROOT
from tests.fuzz.bounds import outcome
from tests.fuzz.mutations import changed_bytes, changed_values

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # noise

TEXT = (ROOT / "profiles/smoke.yaml").read_bytes()
CONTENT = yaml.safe_load(TEXT)
LINES = 1000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("params") / "params.yaml"


def check(path, content):
    """A study or lines, and DVC, which reads YAML 1.2, reads the same study, or none."""
    path.write_bytes(content)
    study = outcome(lambda: parse_params(read_yaml(path), str(path)), f"{path}: ", LINES)
    assert isinstance(study, Params | None)
    if study is None:
        return
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except Exception:
        return
    assert parse_params(content) == study


@given(content=changed_bytes(TEXT))
def test_a_text_gives_a_study_or_lines(path, content):
    check(path, content)


@given(content=changed_values(CONTENT))
def test_values_give_a_study_or_lines_also_when_they_are_written(path, content):
    assert isinstance(outcome(lambda: parse_params(content), "params.yaml: ", LINES), Params | None)
    check(path, yaml.safe_dump(content, allow_unicode=True).encode())
