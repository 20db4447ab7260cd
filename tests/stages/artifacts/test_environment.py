import re

import torch

from stages.artifacts import environment as module
from stages.artifacts.environment import environment, kernels, versions

CPU = torch.device("cpu")


def test_what_computes_names_the_hardware_the_code_the_time_and_what_computes_with_it():
    here = environment(CPU)
    assert list(here)[:4] == ["device", "kernels", "code", "when"] and " thread" in here["device"]
    assert list(here)[4:] == ["Python", "torch", "torchvision", "timm", "transformers", "numpy", "pillow"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", here["when"])
    assert here["torch"] == versions()["torch"] == torch.__version__.partition("+")[0]
    assert all(
        isinstance(text, str) and text and "\n" not in text and "|" not in text for text in here.values()
    )


def test_kernels_are_named_with_the_switches_that_choose_them(monkeypatch):
    for name in module.SWITCHES:
        monkeypatch.delenv(name, raising=False)
    plain = kernels(CPU)
    assert (
        plain.startswith(torch.backends.cpu.get_cpu_capability()) and "OpenBLAS" in plain and "=" not in plain
    )
    assert ("oneDNN" in plain) == torch.backends.mkldnn.is_available()
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    assert kernels(CPU) == f"{plain}, MKL_CBWR=COMPATIBLE"


def test_without_git_the_code_has_no_revision(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert module.revision() == "not under git"
