import pytest
import torch

from cxrlt_core.device import autocast, describe_device, open_device
from cxrlt_core.errors import StudyError


@pytest.fixture(autouse=True)
def restore():
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


def test_opens_the_cpu_with_its_threads():
    device = open_device("cpu", 2)
    assert device.type == "cpu" and torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()
    assert describe_device(device) == "CPU, 2 threads"


def test_auto_takes_what_is_there():
    assert open_device("auto", 1).type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["nonsense", "cuda:99", ""])
def test_an_absent_device_is_one_line(name):
    with pytest.raises(StudyError, match=rf"^compute\.device: '{name}' cannot be used: .+$") as caught:
        open_device(name, 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_precision_of_a_matrix_product(precision, dtype):
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_auto_follows_the_hardware(monkeypatch):
    from cxrlt_core import device

    for native in (True, False):
        monkeypatch.setattr(device, "_native_bf16", lambda _, native=native: native)
        with autocast(torch.device("cpu"), "auto"):
            dtype = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        assert dtype == (torch.bfloat16 if native else torch.float32)
