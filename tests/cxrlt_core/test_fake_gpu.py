"""The way of a batch on a GPU that is not there: its tensors have shape, format and device, but no numbers.

The code is the real one. An operation on tensors of two devices fails, as on a GPU, and so does what a GPU
waits for: an index on the CPU, a number read from a tensor. Left out are streams, fused attention, gradients.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice

import numpy as np
import pytest
import torch
from settings import augment, loss, usual
from torch import Tensor
from torch._subclasses import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cxrlt_core.batches.images import PackedImages, PixelStats
from cxrlt_core.designs import PREDICTION, find_design, of_variants, using
from cxrlt_core.designs.tta import Tta, contents_of, draw_views
from cxrlt_core.losses import build_loss, kinds
from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.model.classifier import Classifier, ModelConfig
from cxrlt_core.model.folder import TrainedModel
from cxrlt_core.model.query_network import QueryDecoder
from cxrlt_core.prediction import inference
from cxrlt_core.prediction.attention import attention_maps
from cxrlt_core.prediction.inference import Scorer, predict
from cxrlt_core.serving.predictor import Predictor
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.optimiser import train_mode
from tests.cxrlt_core.model.test_image_encoder import NETWORKS

GPU = torch.device("cuda", 0)
COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
EVERYTHING = {"rotate": 5, "gamma": 0.2, "erase": 0.5, "contrast": 0.1, "brightness": 0.1, "flip": True}
TOGETHER = ("mixup", "r_drop", "repeat_factor", "separate", "encoder_rate")
#: Network, loss and designs: every one of each, and designs that act together.
STEPS = [
    *islice(zip(cycle(NETWORKS), cycle(kinds()), cycle([()])), max(len(NETWORKS), len(kinds()))),
    *(("cnn", "bce", (name,)) for name in of_variants()),
    ("cnn", "bce", TOGETHER),
]
PREDICTIONS = [(network, names) for network, _, names in STEPS if not names or using(names, PREDICTION)]


class OneDevice(TorchDispatchMode):
    """Lets no operation but a copy have tensors of two devices; a number may come from the CPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and leaf.ndim]
        if len({tensor.device for tensor in tensors}) > 1 and func not in COPIES:
            raise RuntimeError(f"{func}: {[(tensor.device, tuple(tensor.shape)) for tensor in tensors]}")
        return func(*args, **(kwargs or {}))


@contextmanager
def fake_gpu() -> Iterator[None]:
    """Take tensors of the device GPU for fakes; what is made outside the block is real and on the CPU."""
    with (
        torch.no_grad(),
        torch.backends.cudnn.flags(enabled=False),  # it would ask which GPU there is
        FakeTensorMode(allow_non_fake_inputs=True),
        OneDevice(),
    ):
        yield


@pytest.fixture(autouse=True)
def no_driver(monkeypatch) -> None:
    """Leave out what asks a real GPU."""
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", plain_attention)
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: tensor)
    monkeypatch.setattr(Tensor, "backward", lambda tensor: None)
    monkeypatch.setattr(torch.inference_mode, "__enter__", lambda mode: None)  # which fakes do not know
    monkeypatch.setattr(torch.inference_mode, "__exit__", lambda mode, *error: None)
    monkeypatch.setattr(FakeTensor, "numpy", zeros_like, raising=False)
    monkeypatch.setattr(inference, "StreamedImages", lambda images, device: images.resident(device))


def plain_attention(query: Tensor, key: Tensor, value: Tensor, *, dropout_p: float = 0.0, **others) -> Tensor:
    """Attention without a kernel of its own."""
    weights = torch.dropout((query @ key.mT).softmax(-1), dropout_p, train=True)
    return weights @ value


def zeros_like(tensor: Tensor) -> np.ndarray:
    """Return zeros for the numbers of a fake; as a real one it has to lie on the CPU."""
    if tensor.device.type != "cpu":
        raise TypeError(f"cannot convert a tensor on {tensor.device} to numpy")
    return np.zeros(tensor.shape, str(tensor.dtype).removeprefix("torch."))


@pytest.fixture
def model_of(build, config) -> Callable[..., tuple[Classifier, ModelConfig]]:
    """Build a model on the CPU, and the settings of its designs."""

    def make(network: str, names: tuple[str, ...]):
        designs = {name: usual(find_design(name).Settings) for name in names}
        kept = {name: designs[name].model_dump() for name in using(designs, PREDICTION)}
        model, options, *_ = NETWORKS[network]
        changes = {"image_model": model, "image_options": options, "image_pixels": [0.5, 0.2]}
        changes["query"] = {**config.query, "layers": 1}
        return build(precision="auto", designs=kept, **changes), designs

    return make


@pytest.fixture
def packed(toy) -> PackedImages:
    return PackedImages({"s": toy[0]}, ["s"] * len(toy[0]), range(len(toy[0])))


@pytest.mark.parametrize(("network", "kind", "names"), STEPS)
def test_a_step_of_a_training_stays_on_the_gpu(network, kind, names, model_of, training, packed, toy):
    model, designs = model_of(network, names)
    changes = {"accumulate": 2, "clip": 1.0, "ema": 0.9, "precision": "auto"}
    with fake_gpu():
        images = packed.resident(GPU)
        made = training(
            n=len(packed), model=model, ranks=Ranks(GPU), images=images, designs=designs,
            loss=build_loss(loss(kind), toy[1]), augment=augment(**EVERYTHING), **changes,
        )  # fmt: skip
        train_mode(made.state.model)
        [batch] = islice(images.batches(made.sampler.batches(0)), 1)
        value = made.step(0, *batch)
    assert (value.device, value.dtype, value.ndim) == (GPU, torch.float32, 0)
    kept = (made.state.losses, *made.state.average.averages, *made.state.model.state_dict().values())
    assert {tensor.device for tensor in kept} == {GPU}


@pytest.mark.parametrize(("network", "names"), PREDICTIONS)
def test_predictions_come_back_from_the_gpu(network, names, model_of, packed, toy, config):
    model, _ = model_of(network, names)
    tta = Tta(views=1, seed=0, augment=augment(**EVERYTHING))
    few, pixels, calibration = np.arange(5), PixelStats(0.4, 0.3), Calibration.from_json(None, config.classes)
    views = [view[few] for view in draw_views(contents_of(packed), tta)]
    predictor = Predictor([TrainedModel(model, config)], np.ones((1, 3)), calibration, tta, GPU)
    with fake_gpu():
        for probabilities in predict(Scorer(model, pixels, "auto"), packed.take(few), GPU, 8, [None, *views]):
            assert probabilities.shape == (5, 3)
        some = [torch.from_numpy(toy[0][few, None])]
        assert predictor.probabilities(some, [views]).shape == (5, 3)
        if isinstance(model.queries, QueryDecoder):
            assert attention_maps(model, packed, few, pixels, GPU, 8).shape[:2] == (5, 3)
            assert predictor.attention(some).shape[:2] == (5, 3)


@pytest.mark.parametrize(
    "careless",
    [
        lambda images: images + torch.arange(len(images)),
        lambda images: images[torch.arange(len(images))],
        lambda images: torch.cat([images, torch.zeros(3)]),
        lambda images: images.sum().item(),
        lambda images: images.numpy(),
    ],
)
def test_what_a_gpu_refuses_or_waits_for_is_found(careless):
    with fake_gpu(), pytest.raises((RuntimeError, TypeError)):
        careless(torch.zeros(3, device=GPU))
