from importlib.util import find_spec

import numpy as np
import pytest
import torch
from served import write_pair

from cxrlt_core import load_model
from cxrlt_core.serving import onnx_graph
from cxrlt_core.serving.onnx_graph import NEEDED, Graph, export_onnx, onnx_difference
from cxrlt_core.system.errors import StudyError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 1, 32, 32), dtype=np.uint8)


@pytest.fixture
def ensemble(tmp_path):
    write_pair(tmp_path)
    return load_model(tmp_path / "ensembles/both/0", "cpu")


def test_the_graph_is_what_predicts(ensemble):
    with torch.inference_mode():
        result = Graph(ensemble).eval()(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(result, ensemble.probabilities(torch.from_numpy(IMAGES)), atol=1e-6)


def test_without_the_packages_it_is_one_line(ensemble, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, "find_spec", lambda name: None)
    with pytest.raises(
        StudyError, match=r"onnx and onnxscript not installed; expected pip install .*\[export\]"
    ):
        export_onnx(ensemble, tmp_path / "model.onnx")
    assert onnx_difference(ensemble, tmp_path / "model.onnx", [IMAGES]) is None


@pytest.mark.skipif(
    not all(map(find_spec, (*NEEDED, "onnxruntime"))), reason="the extra export is not installed"
)
def test_onnxruntime_gives_the_same_for_any_batch(ensemble, tmp_path):
    import onnx

    export_onnx(ensemble, tmp_path / "model.onnx")
    assert onnx_difference(ensemble, tmp_path / "model.onnx", [IMAGES, IMAGES[:1]]) < 1e-5
    model = onnx.load(tmp_path / "model.onnx")
    assert [opset.version for opset in model.opset_import if not opset.domain] == [onnx_graph.OPSET]
    assert not (tmp_path / "model.onnx.data").exists()
