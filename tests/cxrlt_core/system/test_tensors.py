import subprocess
import sys

import numpy as np

from cxrlt_core.system.tensors import read_tensor_metadata, read_tensors, write_tensors

TENSORS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array(7, dtype=np.int64),
    "c": np.array([1, -1], dtype=np.int8),
    "empty": np.zeros((0, 4), np.float32),
}
METADATA = {f"key{i}": f"value {i} “ü”" for i in range(12)}


def test_round_trip(tmp_path):
    write_tensors(tmp_path / "x.safetensors", TENSORS, METADATA)
    loaded = read_tensors(tmp_path / "x.safetensors")
    assert loaded.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert loaded[name].dtype == array.dtype and loaded[name].shape == array.shape
        np.testing.assert_array_equal(loaded[name], array)
    assert read_tensor_metadata(tmp_path / "x.safetensors") == METADATA
    write_tensors(tmp_path / "x.safetensors", TENSORS)
    assert read_tensor_metadata(tmp_path / "x.safetensors") == {}


def test_bytes_depend_on_the_content_alone(tmp_path):
    contents = set()
    for i in range(20):
        order = np.random.default_rng(i).permutation(list(METADATA))
        tensors = dict(reversed(TENSORS.items())) if i % 2 else TENSORS
        write_tensors(tmp_path / "x.safetensors", tensors, {key: METADATA[key] for key in order})
        contents.add((tmp_path / "x.safetensors").read_bytes())
    assert len(contents) == 1


def test_bytes_are_the_same_in_other_processes(tmp_path):
    code = (
        "import sys, numpy as np; from cxrlt_core.system.tensors import write_tensors; "
        "write_tensors(sys.argv[1], {'w': np.ones(3, np.float32)}, {f'k{i}': 'v' for i in range(9)})"
    )
    for name in ("one", "two"):
        subprocess.run([sys.executable, "-c", code, tmp_path / name], check=True)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_tensors_start_at_a_multiple_of_eight(tmp_path):
    for length in range(9):
        write_tensors(tmp_path / "x", TENSORS, {"k": "v" * length})
        assert int.from_bytes((tmp_path / "x").read_bytes()[:8], "little") % 8 == 0
