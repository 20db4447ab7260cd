"""What is saved of a run, restored, and refused when it does not fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.average import Average
from cxrlt_core.training.checkpoint import Checkpoint


@dataclass
class State:
    """How far a run has come, and all that it goes on from."""

    model: nn.Module
    optimiser: Optimizer
    average: Average | None
    losses: Tensor  # of the epoch's steps, on this rank
    steps: int  # of the whole run
    step: int = 0  # done
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    peak_memory: int = 0  # MiB
    environments: list[dict[str, str]] = field(default_factory=list)  # that computed it, in their order

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.steps

    def note(self, environment: Mapping[str, str]) -> None:
        """Remember what computes the steps that follow; the same again at another time is known already."""
        if not self.environments or {**self.environments[-1], "when": ""} != {**environment, "when": ""}:
            self.environments.append(dict(environment))

    def save(self, checkpoint: Checkpoint, ranks: Ranks) -> None:
        """Write the state; all ranks must call it, one writes."""
        losses = ranks.sum(self.losses)
        if ranks.is_main:
            checkpoint.save(self.content(losses))

    def resume(self, checkpoint: Checkpoint, ranks: Ranks) -> None:
        """Go on from the checkpoint, if there is one that fits a run before its first step."""
        with ranks.main_first():
            content = checkpoint.load(lambda found: check_content(found, self))
        if content is not None:
            self._restore(content, ranks)

    def content(self, losses: Tensor) -> dict[str, Any]:
        """Tensors and plain values of the state; the losses are those of all ranks."""
        return {
            "model": self.model.state_dict(),
            "optimiser": None if self.finished else self.optimiser.state_dict(),  # done with
            "average": None if self.average is None else self.average.averages,
            "step": self.step,
            "losses": losses,
            "history": self.history,
            "seconds": self.seconds,
            "peak_memory": self.peak_memory,
            "environments": self.environments,
        }

    def _restore(self, content: dict[str, Any], ranks: Ranks) -> None:
        self.model.load_state_dict(content["model"])
        if content["optimiser"] is not None:
            self.optimiser.load_state_dict(content["optimiser"])
        if self.average is not None:
            self.average.load(content["average"])
        if ranks.is_main:  # the others add nothing to what is summed already
            self.losses.copy_(content["losses"])
        self.step, self.history = content["step"], content["history"]
        self.seconds, self.peak_memory = content["seconds"], content["peak_memory"]
        self.environments = content["environments"]


def check_content(found: Any, fresh: State) -> None:
    """Compare a stored state with that of a run before its first step.

    Args:
        found: as read.
        fresh: of the run that would go on from it.

    Raises:
        ValueError: when keys, shapes or number formats differ, or the step lies outside the run.
    """
    expected = fresh.content(fresh.losses)
    if not isinstance(found, dict) or found.keys() != expected.keys():
        raise ValueError("not the state of a run")
    for key in ("model", "average", "losses"):
        _compare(key, found[key], expected[key])
    if not 0 < found["step"] <= fresh.steps:
        raise ValueError(f"step {found['step']} of a run of {fresh.steps}")
    if found["optimiser"] is not None:
        _check_moments(found["optimiser"], fresh.optimiser)
    elif found["step"] < fresh.steps:
        raise ValueError("optimiser: absent before the last step")


def _check_moments(stored: Any, optimiser: Optimizer) -> None:
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    sizes = [len(group["params"]) for group in stored["param_groups"]]
    if sizes != [len(group["params"]) for group in optimiser.param_groups]:
        raise ValueError("optimiser: other parameters")
    for number, moments in stored["state"].items():
        if any(m.shape != parameters[number].shape for name, m in moments.items() if name != "step"):
            raise ValueError(f"optimiser.{number}: another shape")


def _compare(key: str, found: Any, expected: Any) -> None:
    """Compare tensors by shape and format, and containers by what they hold."""
    if isinstance(expected, Tensor):
        if not isinstance(found, Tensor) or (found.shape, found.dtype) != (expected.shape, expected.dtype):
            raise ValueError(f"{key}: another shape or format")
    elif isinstance(expected, dict):
        if not isinstance(found, dict) or found.keys() != expected.keys():
            raise ValueError(f"{key}: other keys")
        for name in expected:
            _compare(f"{key}.{name}", found[name], expected[name])
    elif isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            raise ValueError(f"{key}: another length")
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            _compare(f"{key}.{number}", one, other)
    elif type(found) is not type(expected):
        raise ValueError(f"{key}: {type(found).__name__}, expected {type(expected).__name__}")
