"""The mechanism: toy designs, one a hook, act in a training; what is not used, or not known, is told."""

import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from runs import run, same

from cxrlt_core import designs
from cxrlt_core.designs import HOOKS, conflicts, find_design, hooks_of, names, of_variants, ordered
from cxrlt_core.designs.hooks import Drawn
from cxrlt_core.prediction.inference import posthoc
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import Section

TRAINED = [hook for hook in designs.TRAINING if hook not in (*designs.NETWORK, "training_set")]


class Settings(Section):
    """Nothing to set."""


@pytest.fixture
def toys(monkeypatch):
    """Let there be designs besides those that are: ``toys(name=dict of what the module offers)``."""

    def make(**modules: dict) -> dict[str, Settings]:
        known = {name: ModuleType(name) for name in modules}
        for name, offered in modules.items():
            known[name].__dict__.update({"TITLE": name, "SOURCE": "", "Settings": Settings, **offered})
        real = find_design
        monkeypatch.setattr(designs, "names", lambda: [*names(), *known])
        monkeypatch.setattr(designs, "find_design", lambda name: known.get(name) or real(name))
        return {name: Settings() for name in known}

    return make


ACTIONS = {
    "order": lambda s, c: lambda generator: generator.permutation(len(c.targets))[::-1].copy(),
    "draw": lambda s, c: lambda batch, rng: Drawn({"x": torch.from_numpy(rng.random(len(batch)))}),
    "inputs": lambda s, c: lambda images, partners, values: images + 1,
    "forward": lambda s, c: lambda network, images: network(images) * 0.5,
    "class_weights": lambda s, c: lambda weights, epoch: weights * torch.tensor([1.0, 1.0, 1.0 + epoch]),
    "loss": lambda s, c: lambda o: lambda z, labels, w: o(z**2 + z, labels, w),
    "learning_rate": lambda s, c: lambda name: 0.5 if name.startswith("encoder.") else 1.0,
    "step": lambda s, c: lambda parameters, backward, update: (backward(), backward(), update())[0],
    "average": lambda s, c: lambda averages, now, step: torch._foreach_lerp_(averages, now, 0.3),
}


@pytest.mark.parametrize("hook", TRAINED)
def test_a_hook_of_a_training_acts(hook, toys, training, tmp_path):
    assert hook in ACTIONS
    plain = run(training(epochs=2, seed=3), tmp_path, "plain")
    acted = training(epochs=2, seed=3, designs=toys(toy={hook: ACTIONS[hook]}))
    state = run(acted, tmp_path, hook)
    assert same(plain, run(training(epochs=2, seed=3, designs=toys(idle={})), tmp_path, "idle"))
    assert not same(plain, state)


def test_what_is_drawn_reaches_images_and_loss(toys, training, tmp_path):
    seen = {"inputs": [], "loss": []}

    def inputs(settings, context):
        return lambda images, partners, values: seen["inputs"].append(values["x"]) or images

    def loss(settings, context):
        return lambda o: lambda z, labels, w: seen["loss"].append(labels.values["x"]) or o(z, labels, w)

    toy = {"draw": ACTIONS["draw"], "inputs": inputs, "loss": loss}
    run(training(epochs=1, designs=toys(toy=toy)), tmp_path)
    assert len(seen["inputs"]) == 5 and all(map(torch.equal, seen["inputs"], seen["loss"]))


def test_network_hooks_build_the_model(toys, build, monkeypatch):
    built = []

    def parts(settings, known):
        built.append(known)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(3))

    def with_toy(**hooks) -> torch.nn.Module:
        toys(toy=hooks)
        monkeypatch.setattr("cxrlt_core.model.classifier.find_design", designs.find_design)
        return build(designs={"toy": {}})

    for hook, known in (("head", "token_width"), ("classifier", "feature_width")):
        assert with_toy(**{hook: parts})(torch.zeros(2, 1, 32, 32)).shape == (2, 3)
        assert getattr(built[-1], known) == 8 and built[-1].prior_logits.shape == (3,)
    assert with_toy(encoder=lambda s, encoder: built.append(encoder) or encoder).encoder is built[-1]


def test_designs_act_by_name_but_after_those_that_they_follow(toys):
    loss = {"loss": lambda s, c: lambda o: o}
    toys(a={**loss, "AFTER": ("c",)}, b=loss, c=loss)
    assert ordered(["c", "b", "a"]) == ["b", "c", "a"] and ordered(["a", "b"]) == ["a", "b"]
    toys(a=loss, b={**loss, "BEFORE": ("a",)})
    assert ordered(["a", "b"]) == ["b", "a"]
    toys(a={"AFTER": ("b",)}, b={"AFTER": ("a",)})
    with pytest.raises(StudyError, match="each act after the other"):
        ordered(["a", "b"])
    half = {"probabilities": lambda s, classes: lambda p: p / 2}
    less = {"probabilities": lambda s, classes: lambda p: p - len(classes), "AFTER": ("half",)}
    assert (posthoc(toys(less=less, half=half), ["a"], np.full((2, 1), 4.0)) == 1.0).all()


def test_two_that_cannot_act_together_are_told(toys):
    loss, order = {"loss": lambda s, c: None}, {"order": lambda s, c: None}
    toys(a=order, b=order, c={**loss, "EXCLUDES": {"a": "it knows why"}}, d=loss)
    assert list(conflicts("abcd")) == [
        f"a and b cannot act together: both decide {HOOKS['order']}",
        "a and c cannot act together: it knows why",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def learning_rates(settings, context): ...", "expected a function named training_set, order, "),
        ("def loss(settings, context): ...\nEXCLUDES = ('mixup',)", "EXCLUDES: expected a mapping"),
        ("def loss(settings, context): ...\nAFTER = 'mixup'", "AFTER and BEFORE: expected a tuple"),
        ("import no_such_package", "cannot be imported: No module named 'no_such_package'"),
    ],
)
def test_a_design_that_would_do_nothing_is_one_line(text, line, tmp_path, monkeypatch):
    text = f"from cxrlt_core.system.settings import Section\nclass Settings(Section): ...\n{text}"
    name = f"wrong_{hash(line) % 10**6}"  # modules stay loaded
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(designs, "__path__", [*designs.__path__, str(tmp_path)])
    with pytest.raises(StudyError, match=rf"^cxrlt_core/designs/{name}.py: {line}"):
        find_design(name)


def test_settings_are_read_without_torch_and_a_name_that_is_none_is_one_line():
    with pytest.raises(StudyError, match="unknown design 'nothing', expected ap_weighted, average_pooling, "):
        find_design("nothing")
    code = "import sys; from cxrlt_core import designs; [*map(designs.find_design, designs.names())]"
    command = [sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"]
    assert subprocess.run(command).returncode == 0


@pytest.mark.parametrize("name", names())
def test_every_design_says_what_it_is(name):
    module = find_design(name)
    assert module.TITLE and module.SOURCE and module.__doc__
    assert hooks_of(name) or hasattr(module, "FIELD") or name == "ensemble"
    assert name not in of_variants() or issubclass(module.Settings, Section)
