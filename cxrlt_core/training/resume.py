"""Whether a stored state fits the run that would go on from it."""

from typing import Any

from torch import Tensor
from torch.optim import Optimizer


def check_state(state: Any, fresh: dict[str, Any], optimiser: Optimizer, steps: int) -> None:
    """Compare a stored state with that of a run before its first step.

    Args:
        state: as read.
        fresh: of the new run, before its first step.
        optimiser: of the new run.
        steps: of the whole run.

    Raises:
        ValueError: when keys, shapes or number formats differ, or the step lies outside the run.
    """
    if not isinstance(state, dict) or state.keys() != fresh.keys():
        raise ValueError("not the state of a run")
    for key in ("model", "ema", "losses"):
        _compare(key, state[key], fresh[key])
    if not 0 < state["step"] <= steps:
        raise ValueError(f"step {state['step']} of a run of {steps}")
    if state["optimiser"] is not None:
        _check_moments(state["optimiser"], optimiser)
    elif state["step"] < steps:
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
