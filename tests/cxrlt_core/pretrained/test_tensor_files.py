"""Files of weights as plain tensors, and nothing else."""

import pytest
import torch
from safetensors.torch import save_file

from cxrlt_core.pretrained.tensor_files import read_tensor_files
from cxrlt_core.system.errors import StudyError

ONE, TWO = {"a.weight": torch.arange(6.0).reshape(2, 3)}, {"b": torch.tensor([1.5], dtype=torch.bfloat16)}


def same(found: dict, expected: dict) -> bool:
    return found.keys() == expected.keys() and all(found[name].equal(expected[name]) for name in expected)


@pytest.mark.parametrize("suffix", ["safetensors", "bin", "pth", "pt", "ckpt"])
def test_a_file_and_its_parts_hold_the_same(suffix, tmp_path):
    save = save_file if suffix == "safetensors" else torch.save
    files = [tmp_path / f"{i}.{suffix}" for i in range(2)]
    for file, tensors in zip(files, (ONE, TWO), strict=True):
        save(tensors, file)
    assert same(read_tensor_files(files[:1]), ONE) and same(read_tensor_files(files), ONE | TWO)
    with pytest.raises(StudyError, match=r"has what another part has: a\.weight"):
        read_tensor_files([files[0], files[0]])


def test_the_old_format_of_pytorch_and_a_checkpoint_of_a_training_are_read(tmp_path):
    torch.save(ONE, tmp_path / "x.bin", _use_new_zipfile_serialization=False)
    assert same(read_tensor_files([tmp_path / "x.bin"]), ONE)
    torch.save({"epoch": 3, "state_dict": ONE, "args": {"lr": 0.1}}, tmp_path / "x.bin")
    assert same(read_tensor_files([tmp_path / "x.bin"]), {"state_dict.a.weight": ONE["a.weight"]})


class Run:
    """Its pickle runs code."""

    def __reduce__(self):
        return open, ("ran", "w")


def test_code_in_a_pickle_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({**ONE, "b": Run()}, "x.bin")
    with pytest.raises(StudyError) as caught:
        read_tensor_files([tmp_path / "x.bin"])
    assert str(caught.value) == "x.bin: cannot be read as plain tensors: a pickle of something else"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["x.safetensors", "x.bin", "x.msgpack"])
@pytest.mark.parametrize("content", [b"", b"junk", b"\x80\x02}q"])
def test_a_torn_file_is_one_line(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StudyError) as caught:
        read_tensor_files([tmp_path / name])
    assert str(caught.value).startswith(f"{name}: cannot be read as plain tensors: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_absent_or_of_another_kind_says_so(tmp_path):
    with pytest.raises(StudyError, match=r"^x\.pth: no such file$"):
        read_tensor_files([tmp_path / "x.pth"])
    (tmp_path / "x.npz").write_bytes(b"junk")
    with pytest.raises(StudyError, match=r"a file that ends in \.safetensors, \.bin, .+, \.msgpack$"):
        read_tensor_files([tmp_path / "x.npz"])
