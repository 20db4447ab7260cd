from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from served import write_model, write_pair

from cxrlt_core import load_model
from cxrlt_core.serving import onnx_graph
from cxrlt_core.serving.onnx_graph import NEEDED, Graph, export_onnx, onnx_difference
from cxrlt_core.system.errors import StudyError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 1, 32, 32), dtype=np.uint8)


@pytest.fixture
def ensemble(tmp_path):
    write_pair(tmp_path)
    return load_model(tmp_path / "ensembles/both/0", "cpu")


def test_members_of_other_sizes_have_inputs_of_their_own(tmp_path):
    names = [f"models/{name}/0" for name in ("one", "two")]
    for number, name in enumerate(names):
        write_model(tmp_path / name, number, image_size=32 * (number + 1))
    one, two = (load_model(tmp_path / name, "cpu") for name in names)
    both = replace(one, members=[*one.members, *two.members], weights=np.full((2, 26), 0.5))
    assert onnx_graph.input_names(both) == ["images_32_squash", "images_64_squash"]
    images = [IMAGES, np.zeros((len(IMAGES), 1, 64, 64), np.uint8)]
    path = tmp_path / "model.onnx"
    if all(map(find_spec, (*NEEDED, "onnxruntime"))):
        export_onnx(both, path)
        assert onnx_difference(both, path, [images]) < 1e-5


def test_the_graph_is_what_predicts(ensemble):
    with torch.inference_mode():
        found = Graph(ensemble).eval()(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(found, ensemble.probabilities([torch.from_numpy(IMAGES)]), atol=1e-6)


def test_without_the_packages_it_is_one_line(ensemble, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, "find_spec", lambda name: None)
    with pytest.raises(StudyError, match=r"onnx and onnxscript not installed; expected pip .*\[export\]"):
        export_onnx(ensemble, tmp_path / "model.onnx")
    assert onnx_difference(ensemble, tmp_path / "model.onnx", [[IMAGES]]) is None


def test_what_a_design_does_with_probabilities_is_not_left_out_in_silence(ensemble, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, "find_spec", lambda name: True)
    monkeypatch.setattr(
        onnx_graph, "using", lambda designs, hooks: ["power"] if hooks == ["probabilities"] else []
    )
    with pytest.raises(StudyError, match=r"^export: power cannot be exported"):
        export_onnx(ensemble, tmp_path / "model.onnx")


@pytest.mark.skipif(
    not all(map(find_spec, (*NEEDED, "onnxruntime"))), reason="the extra export is not installed"
)
def test_onnxruntime_gives_the_same_for_any_batch(ensemble, tmp_path):
    import onnx

    export_onnx(ensemble, tmp_path / "model.onnx")
    assert onnx_difference(ensemble, tmp_path / "model.onnx", [[IMAGES], [IMAGES[:1]]]) < 1e-5
    model = onnx.load(tmp_path / "model.onnx")
    assert [opset.version for opset in model.opset_import if not opset.domain] == [onnx_graph.OPSET]
    assert not (tmp_path / "model.onnx.data").exists()
