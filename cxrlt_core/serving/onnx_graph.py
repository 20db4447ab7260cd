"""A predictor as ONNX: pixels in, probabilities out, so that nobody has to normalise."""

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from cxrlt_core.designs import using
from cxrlt_core.prediction.inference import prepare
from cxrlt_core.serving.predictor import Predictor, geometry_of
from cxrlt_core.system.atomic import atomic
from cxrlt_core.system.errors import StudyError, reason

OPSET = 18
OUTPUT = "probabilities"
NEEDED = ("onnx", "onnxscript")


class Graph(nn.Module):
    """What is exported: the models, each after its own normalisation, and their weighted mean; in float32."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.networks = nn.ModuleList(model.network for model in predictor.members)
        self.pixels = [model.config.pixels for model in predictor.members]
        self.inputs = [predictor.geometries.index(geometry_of(model)) for model in predictor.members]
        weights = torch.from_numpy(predictor.weights.astype(np.float32)).to(predictor.device)
        self.register_buffer("weights", weights)

    def forward(self, *images: Tensor) -> Tensor:
        """Turn images, uint8 (B, 1, H, W) in each geometry, into probabilities, float32 (B, C)."""
        parts = zip(self.networks, self.pixels, self.inputs, strict=True)
        outputs = [torch.sigmoid(network(prepare(images[n], pixels))) for network, pixels, n in parts]
        return (torch.stack(outputs) * self.weights[:, None]).sum(0)


def input_names(predictor: Predictor) -> list[str]:
    """Return ``images``; where models see images in several sizes or fits ``images_512_squash`` and so on."""
    squares = predictor.geometries
    return ["images"] if len(squares) == 1 else [f"images_{g.size}_{g.fit}" for g in squares]


def export_onnx(predictor: Predictor, path: Path | str) -> None:
    """Write a graph with the inputs of :func:`input_names`, uint8 (B, 1, H, W), and ``probabilities`` (B, C).

    StudyError when a package is not installed, or a network, or what a design does with probabilities, cannot
    be exported.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise StudyError(f"export: {' and '.join(missing)} not installed; expected pip install '.[export]'")
    for member in predictor.members:
        if designs := using(member.config.designs, ["probabilities"]):
            raise StudyError(f"export: {' and '.join(designs)} cannot be exported; expected a model without")
    graph = Graph(predictor).eval()
    example = tuple(
        torch.zeros(2, 1, *geometry.shape, dtype=torch.uint8, device=predictor.device)
        for geometry in predictor.geometries
    )
    try:
        with atomic(path) as temporary, _quiet():
            torch.onnx.export(
                graph,
                example,
                temporary,
                input_names=input_names(predictor),
                output_names=[OUTPUT],
                dynamic_shapes={"images": ({0: torch.export.Dim("batch")},) * len(example)},
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # of many kinds, by operation
        raise StudyError(f"export: no graph can be made of it: {reason(error)}") from None


def onnx_difference(
    predictor: Predictor, path: Path | str, images: Sequence[Sequence[np.ndarray]]
) -> float | None:
    """Return the largest difference of a probability between onnxruntime and PyTorch, both in float32.

    ``images`` are batches, uint8 (b, 1, H, W) in each geometry. None where onnxruntime is not installed.
    """
    if find_spec("onnxruntime") is None:
        return None
    from onnxruntime import InferenceSession

    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    graph, largest = Graph(predictor).eval(), 0.0
    for batch in images:
        with torch.inference_mode():
            pixels = [torch.from_numpy(part).to(predictor.device) for part in batch]
            expected = graph(*pixels).cpu().numpy()
        given = dict(zip(input_names(predictor), batch, strict=True))
        largest = max(largest, float(np.abs(session.run(None, given)[0] - expected).max()))
    return largest


@contextlib.contextmanager
def _quiet() -> contextlib.ExitStack:
    """Keep what the exporter tells of its own steps from the terminal."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
