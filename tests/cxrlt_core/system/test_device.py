from pathlib import Path

import numpy as np
import pytest
import torch

from cxrlt_core.system.device import (
    autocast,
    compiled,
    describe_device,
    explain_out_of_memory,
    free_memory,
    open_device,
    processor,
    upload,
)
from cxrlt_core.system.errors import StudyError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def restore():
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


def test_opens_the_cpu_with_its_threads_and_auto_takes_what_is_there():
    device = open_device("cpu", 2)
    assert device.type == "cpu" and torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()
    assert describe_device(device) == f"{processor()}, 2 threads"
    assert open_device("auto", 1).type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_processor_has_a_name():
    info = Path("/proc/cpuinfo")
    assert processor() and (not info.exists() or f": {processor()}\n" in info.read_text())


@pytest.mark.parametrize("name", ["nonsense", "cuda:99", ""])
def test_an_absent_device_is_one_line(name):
    with pytest.raises(StudyError, match=rf"^compute\.device: '{name}' cannot be used: .+$") as caught:
        open_device(name, 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("precision", ["bf16", "fp32", "auto"])
def test_the_precision_of_a_product_is_as_asked_or_that_of_the_hardware(precision, native, monkeypatch):
    monkeypatch.setattr("cxrlt_core.system.device._native_bf16", lambda _: native)
    with autocast(CPU, precision):
        dtype = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    half = precision == "bf16" or (precision == "auto" and native)
    assert dtype == (torch.bfloat16 if half else torch.float32)


def test_one_gpu_is_not_named_for_several_processes(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(StudyError, match=r"'cuda:1' is one GPU for 2 processes; expected cuda or auto$"):
        open_device("cuda:1", 1)
    assert open_device("cpu", 1) == CPU


def test_free_memory_is_some_of_the_machine_and_upload_keeps_what_is_there():
    assert 1 << 20 < free_memory(CPU) < 1 << 50
    tensor = torch.arange(3)
    assert upload(tensor, CPU) is tensor


def test_lack_of_memory_becomes_advice_and_other_errors_stay():
    refused = pytest.raises(StudyError, match=r"^CUDA out of memory; lower it$")
    with refused, explain_out_of_memory("lower it"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore")
    for error in (ZeroDivisionError, RuntimeError, NotImplementedError):
        with pytest.raises(error), explain_out_of_memory("lower it"):
            raise error("of memory")


@pytest.mark.parametrize("allocate", [lambda: torch.empty(1 << 60), lambda: np.empty(1 << 58)])
def test_lack_of_the_machines_memory_is_explained_too(allocate):
    refused = pytest.raises(StudyError, match=r"allocate.*; lower it$")
    with refused as caught, explain_out_of_memory("lower it"):
        allocate()
    assert "\n" not in str(caught.value) and "alloc_cpu" not in str(caught.value)


def test_a_missing_compiler_is_a_line(monkeypatch, capsys):
    def broken(*args):
        raise RuntimeError("no compiler\nhere")

    network = torch.nn.Linear(2, 2)
    monkeypatch.setattr(torch, "compile", broken)
    assert compiled(network, CPU) is network
    line = capsys.readouterr().out
    assert line == "train.compile: left out, torch.compile does not work here: no compiler\n"
