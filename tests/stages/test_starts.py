"""What a stage's start loads: the heavy packages only where they are used."""

import subprocess
import sys

import pytest

from cxrlt_core.designs import names
from stages.artifacts.code import ROOT, closure

REBUILT = """
from cxrlt_core.model.classifier import ModelConfig, rebuild_model
import cxrlt_core.model.classifier as module
import numpy as np
config = ModelConfig(["a", "b"], "resnet10t", {}, None, 32, 0.5, 0.2, "text",
                     {"width": 8, "layers": 1, "heads": 2, "feedforward": 8, "dropout": 0.0},
                     "squash", "auto", {}, {"separate": {}}, [])
network = module.build_network(config.image_model, config.image_options)
model = module._assemble(config, network, np.zeros((2, 2), np.float32), np.zeros(2))
rebuild_model(config, model.state_dict())
"""

STEPPED = """
import torch
from cxrlt_core.training.optimiser import build_optimiser
layer = torch.nn.Linear(2, 2)
for _ in range(2):
    optimiser = build_optimiser(layer, 0.1, 0.1)
    optimiser.zero_grad(set_to_none=True)
    layer(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    optimiser.load_state_dict(optimiser.state_dict())
"""

READING = ("harmonize", "pack", "split", "synthesize")

#: Modules, code that runs after their import, and what may not be loaded by then.
STARTS = [
    (("stages.describe", "stages.reweight"), "", {"torch", "pandas", "pyarrow"}),
    (("stages.synthesize_text",), "", {"torch", "transformers", "pandas"}),
    (tuple(f"stages.{name}" for name in READING), "", {"torch", "sklearn", "scipy", "pydicom"}),
    (
        ("stages.ensemble", "stages.report", "cxrlt_core.training.build"),
        "stages.ensemble.open_device('cpu', 1)",
        {"torch._dynamo", "torchvision", "timm", "transformers", "scipy.stats", "sklearn"},
    ),
    (
        ("stages.evaluate", "stages.tta", "stages.train"),
        REBUILT + STEPPED,
        {"transformers", "sklearn", "scipy", "matplotlib"},
    ),
]


@pytest.mark.parametrize(
    ("modules", "code", "absent"), STARTS, ids=[" ".join(modules) for modules, *_ in STARTS]
)
def test_a_start_loads_what_it_needs_and_what_was_foreseen(modules, code, absent):
    """By the fingerprints, which tell DVC what to run again; designs are found by name."""
    code = f"import {', '.join(modules)}\n{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded & absent == set()
    ours = {name for name in loaded if name.split(".")[0] in ("cxrlt_core", "stages")}
    assert len(ours) > 10
    designs = [f"cxrlt_core.designs.{name}" for name in names()]
    assert ours <= set().union(*map(closure, [*modules, *designs]))


CYCLE = """
class Cycle:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("found")
Cycle()
"""


RUN = """
import stages
from stages.artifacts.border import run_stage
__spec__ = stages.__spec__
def main(params): pass
run_stage(main)"""


@pytest.mark.parametrize(("code", "said"), [("import stages", "found\n"), (RUN, "")], ids=["import", "run"])
def test_a_stage_ends_without_looking_for_garbage(code, said):
    command = [sys.executable, "-c", f"{code}\n{CYCLE}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == said
