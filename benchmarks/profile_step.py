"""Time of the parts of a training step."""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch

from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.training import step as training_step
from cxrlt_core.training.loop import Training
from cxrlt_core.training.step import TrainStep

STEP = "whole step"
PARTS = {
    "images": "gather or receive images",
    "transforms": "normalise, transform, mix",
    "forward": "forward",
    "loss": "loss",
    "backward": "backward",
    "optimiser": "optimiser",
}


class Clock:
    """Accumulates the time of functions; on a GPU between events on its stream, without waiting."""

    def __init__(self, device: torch.device) -> None:
        """Start at zero."""
        self.device = device
        self._spans: dict[str, list[tuple[Any, Any]]] = defaultdict(list)

    def timed(self, name: str, function: Callable) -> Callable:
        """Return the function, timed."""

        def call(*args: Any, **options: Any) -> Any:
            start = self._now()
            result = function(*args, **options)
            self._spans[name].append((start, self._now()))
            return result

        return call

    def reset(self) -> None:
        """Start at zero again."""
        self._spans.clear()

    def milliseconds(self, name: str) -> float:
        """Time of all calls so far."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return sum(start.elapsed_time(end) for start, end in self._spans[name])
        return 1000 * sum(end - start for start, end in self._spans[name])

    def _now(self) -> Any:
        if self.device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event


def profile_table(trainings: dict[str, Training], steps: int, burn_in: int) -> str:
    """Return a markdown table of milliseconds per step and share of the step, for each training."""
    columns = {name: profile(training, steps, burn_in) for name, training in trainings.items()}
    header = ["part of a step"] + [text for name in columns for text in (f"{name}, ms", "share")]
    rows = [
        [label] + [text for times in columns.values() for text in _cells(times[part], times[STEP])]
        for part, label in [*PARTS.items(), ("rest", "rest"), (STEP, STEP)]
    ]
    return markdown_table(header, rows)


def _cells(part: float, whole: float) -> tuple[str, str]:
    return f"{part:.2f}", f"{100 * part / whole:.1f} %"


def profile(training: Training, steps: int, burn_in: int) -> dict[str, float]:
    """Milliseconds per step of each part."""
    clock = Clock(training.ranks.device)
    labels = training.step.labels
    timed_labels = replace(labels, objective=clock.timed("loss", labels.objective))
    train_step = replace(training.step, labels=timed_labels)
    with ExitStack() as stack:
        batches = stack.enter_context(closing(training.images.batches(training.sampler.batches(0))))
        for owner, attribute, part in (
            (TrainStep, "_prepare", "transforms"),
            (training.step.network, "forward", "forward"),
            (training_step, "mean_loss", "loss"),
            (torch.Tensor, "backward", "backward"),
            (training.step.optimiser, "zero_grad", "optimiser"),
            (training.step.optimiser, "step", "optimiser"),
        ):
            timed = clock.timed(part, getattr(owner, attribute))
            stack.enter_context(patch.object(owner, attribute, timed))
        next_batch = clock.timed("images", lambda: next(batches))

        def step(number: int) -> None:
            train_step(number, *next_batch())

        for number in range(burn_in + steps):
            if number == burn_in:
                clock.reset()
            clock.timed(STEP, step)(number)
    times = {part: clock.milliseconds(part) / steps for part in (*PARTS, STEP)}
    return {**times, "rest": times[STEP] - sum(times[part] for part in PARTS)}
