import shutil
from pathlib import Path

import pytest

from cxrlt_core.packing import decoder as packing_decoder
from cxrlt_core.packing.decoder import MODULES, decoder
from stages.artifacts.code import module_code

ROOM = "cxrlt_core/packing/"


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The modules that decode, copied into a folder in which they may be edited."""
    for name in MODULES:
        shutil.copy(Path(packing_decoder.__file__).with_name(name), tmp_path)
    monkeypatch.setattr(packing_decoder, "__file__", str(tmp_path / "decoder.py"))
    return tmp_path


def now():
    """The mark, not as it was at the first call."""
    return decoder.__wrapped__()


@pytest.mark.parametrize("name", MODULES)
def test_the_mark_follows_what_the_code_means(copied, name):
    before, code = now(), (copied / name).read_text()
    assert before == decoder() and before.startswith("code ")
    (copied / name).write_text(f"# a comment\n{code}")
    assert now() == before
    (copied / name).write_text(f"{code}\nEDITED = True\n")
    assert now() != before


@pytest.mark.parametrize("package", ["Pillow", "pydicom"])
def test_the_mark_follows_versions(monkeypatch, package):
    before, version = now(), packing_decoder.version
    newer = {package: "99.1"}
    monkeypatch.setattr(packing_decoder, "version", lambda name: newer.get(name) or version(name))
    assert f"{package} 99.1" in now() != before


def test_the_mark_has_all_code_that_decodes():
    behind = {file for file in module_code("cxrlt_core.packing.decode") if file != "cxrlt_core/__init__.py"}
    assert behind == {f"{ROOM}{name}" for name in MODULES}
