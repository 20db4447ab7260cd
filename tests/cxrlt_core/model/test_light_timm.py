"""timm made light against timm as it is, each in a process of its own."""

import json
import subprocess
import sys

import pytest

from stages.artifacts.code import ROOT

PLAIN = "import timm\n"
LIGHT = "import cxrlt_core.model\n"

COMMON = """
import hashlib, json, sys
import timm, torch
torch.set_num_threads(1)
found = {"networks": {}}
def mark(*tensors):
    return hashlib.sha256(b"".join(t.detach().numpy().tobytes() for t in tensors)).hexdigest()
"""

NETWORKS = """
for name, options in {
    "resnet10t": {"channels": [8, 8, 8, 8], "stem_width": 8},
    "densenet121": {"growth_rate": 4, "block_config": [1, 1, 1, 1]},
    "convnext_atto": {"depths": [1, 1, 1, 1], "dims": [8, 8, 8, 8]},
    "vit_tiny_patch16_224": {"depth": 1, "img_size": 32},
}.items():
    torch.manual_seed(0)
    network = timm.create_model(name, in_chans=1, num_classes=0, **options)
    state = network.state_dict()
    images = torch.randn(2, 1, 32, 32)
    outputs = network.forward_features(images)
    outputs.square().mean().backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    found["networks"][name] = [list(state), mark(*state.values()), mark(outputs), mark(*gradients)]
found["models"] = len(timm.list_models())
unused = "torch._dynamo", "torchvision.datasets", "torchvision.ops.boxes", "timm.data.loader"
found["loaded"] = [name for name in unused if name in sys.modules]
"""

THE_REST = """
import torchvision
boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [3, 3, 4, 4]])
found["nms"] = torchvision.ops.nms(boxes, torch.tensor([1.0, 2, 3]), 0.5).tolist()
found["transform"] = str(timm.data.create_transform(32))
found["data"] = sorted(n for n in vars(timm.data) if not n.startswith("_"))
torch.manual_seed(0)
found["classifier"] = mark(*torchvision.models.resnet18().state_dict().values())
found["names"] = [sorted(vars(m)) for m in (torchvision, torchvision.ops, torchvision.models)]
network = timm.layers.freeze_batch_norm_2d(timm.create_model("resnet10t", channels=[8, 8, 8, 8]))
found["frozen"] = sum(isinstance(m, torchvision.ops.FrozenBatchNorm2d) for m in network.modules())
features = timm.create_model("resnet10t", channels=[8, 8, 8, 8], features_only=True, feature_cls="fx")
found["fx"] = [list(f.shape) for f in features.eval()(torch.zeros(1, 3, 32, 32))]

torch.manual_seed(0)
network = timm.create_model("naflexvit_base_patch16_gap", embed_dim=32, depth=1, num_heads=2)
patches = torch.randn(2, 16, 3 * 16 * 16)
places = torch.cartesian_prod(torch.arange(4), torch.arange(4)).expand(2, -1, -1)
compiled = torch.compile(network, backend="eager")
compiled(patches, patch_coord=places, patch_valid=torch.ones(2, 16, dtype=bool)).square().mean().backward()
gradients = [p.grad for p in network.parameters() if p.grad is not None]
found["compiled"] = mark(*gradients)
found["frames"] = dict(torch._dynamo.utils.counters["frames"])
found["breaks"] = sum(torch._dynamo.utils.counters["graph_break"].values())
"""


def ran(code: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(json.dumps(found))"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def plain():
    return ran(PLAIN + COMMON + NETWORKS + THE_REST)


@pytest.fixture(scope="module")
def light():
    return ran(LIGHT + COMMON + NETWORKS + THE_REST)


def test_networks_are_the_same_bit_by_bit(plain, light):
    assert len(plain["networks"]) == 4
    assert light["networks"] == plain["networks"]
    assert light["models"] == plain["models"] > 1000


def test_they_need_neither_the_compiler_nor_what_loads_data(plain, light):
    assert light["loaded"] == []
    assert len(plain["loaded"]) == 4  # so the names are those of modules


def test_what_is_asked_for_later_is_the_real_thing(plain, light):
    for name in ("nms", "names", "transform", "data", "classifier", "frozen", "fx"):
        assert light[name] == plain[name], name
    assert light["frozen"] > 0


def test_networks_that_shield_functions_from_the_compiler_compile_alike(plain, light):
    for name in ("compiled", "frames", "breaks"):
        assert light[name] == plain[name], name
