"""How a training goes on and ends: epochs, saving when due, leaving when asked to, its history."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import NoReturn

from torch import Tensor

from cxrlt_core.batches.images import Images
from cxrlt_core.system.device import explain_out_of_memory, peak_memory
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.errors import Stopped
from cxrlt_core.system.processes import Request, termination
from cxrlt_core.system.progress import Bar, progress
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.divergence import check_weights, finite_mean
from cxrlt_core.training.optimiser import train_mode
from cxrlt_core.training.sampler import BatchSampler, BatchSpec
from cxrlt_core.training.schedule import Schedule
from cxrlt_core.training.state import State

READ_LOSS_EVERY = 50  # steps; each reading waits for the device
ASK_RANKS_EVERY = 10  # steps; whether one of them wants to save or leave
ADVICE = "lower train.batch_size or image.size, raise train.accumulate, or set train.precision: bf16 or \
train.resident: never"
SAVE = 1  # below every exit code

OnEpochEnd = Callable[[State], None]
Batches = Iterator[tuple[Tensor, BatchSpec]]


@dataclass
class Training:
    """Trains one model on one set; it can be interrupted anywhere and ends with the same numbers.

    Attributes:
        state: how far the run has come.
        step: from number, images and batch to the loss; see :class:`cxrlt_core.training.step.TrainStep`.
        images: N images.
        sampler: the batches of all steps.
        schedule: length of the run, and its learning rates.
        ranks: the processes that train together.
        checkpoint_minutes: between two savings within an epoch.
    """

    state: State
    step: Callable[[int, Tensor, BatchSpec], Tensor]
    images: Images
    sampler: BatchSampler
    schedule: Schedule
    ranks: Ranks
    checkpoint_minutes: float
    _clock: float = field(init=False, default=0.0)

    def run(
        self,
        checkpoint: Checkpoint,
        on_epoch_end: OnEpochEnd | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> list[dict[str, float]]:
        """Train from where the checkpoint stands to the end; then the model holds the weights to save.

        Args:
            checkpoint: of this run.
            on_epoch_end: is shown the state at the end of each epoch, on the main rank, while the model holds
                the weights that it would be saved with; what it does changes nothing here.
            environment: what computes here, which the state remembers if it has steps left.

        Returns:
            One entry an epoch: ``epoch`` (from 1), mean ``loss``, last ``learning_rate``.

        Raises:
            StudyError: when the loss is no longer a finite number, or the device has too little memory.
            Stopped: after SIGTERM or Ctrl-C; the state is saved.
        """
        self.state.resume(checkpoint, self.ranks)
        if environment is not None and not self.state.finished:
            self.state.note(environment)
        with termination() as asked, explain_out_of_memory(ADVICE):
            self._epoch_ended(on_epoch_end)  # the last run may have ended before it could
            with closing(self.images.batches(self.sampler.batches(self.state.step))) as batches:
                while not self.state.finished:
                    self._epoch(batches, checkpoint, asked)
                    self._epoch_ended(on_epoch_end)
                    if code := self.ranks.highest(asked.code):
                        self._leave(code)
        if self.state.average is not None:
            self.state.average.copy_to_model()
        return self.state.history

    def _epoch(
        self, batches: Iterator[tuple[Tensor, BatchSpec]], checkpoint: Checkpoint, asked: Request
    ) -> None:
        """Train to the end of the epoch, or of the run, and save."""
        state = self.state
        epoch, end = self.schedule.epoch(state.step), self.schedule.end(state.step)
        words, total = f"epoch {epoch + 1} of {self.schedule.epochs}", self.schedule.steps
        train_mode(state.model)
        with progress(total if self.ranks.is_main else 0, "step", words, done=state.step, keep=False) as bar:
            if state.history:
                bar.set_postfix_str(f"loss {state.history[-1]['loss']:.4f}", refresh=False)
            for images, spec in islice(batches, end - state.step):
                place = state.step % self.schedule.steps_per_epoch
                state.losses[place] = self.step(state.step, images, spec)
                state.step += 1
                bar.update()
                if state.step < end:
                    self._between_steps(bar, checkpoint, asked)
        rate = self.schedule.learning_rate(end - 1)
        state.history.append({"epoch": epoch + 1, "loss": self._mean_loss(), "learning_rate": rate})
        self._save(checkpoint)

    def _epoch_ended(self, on_epoch_end: OnEpochEnd | None) -> None:
        """Show the state, if it is that at the end of an epoch; the time for that is not training's."""
        state = self.state
        ends = state.finished or (state.step and state.step % self.schedule.steps_per_epoch == 0)
        if on_epoch_end is not None and self.ranks.is_main and ends:
            with nullcontext() if state.average is None else state.average.in_model():
                on_epoch_end(state)
        self._clock = time.perf_counter()

    def _between_steps(self, bar: Bar, checkpoint: Checkpoint, asked: Request) -> None:
        """Between two steps: stop on a bad loss, save when it is time, leave when asked to."""
        if self.state.step % READ_LOSS_EVERY == 0:
            bar.set_postfix_str(f"loss {self._mean_loss():.4f}", refresh=False)
        if self.ranks.size > 1 and self.state.step % ASK_RANKS_EVERY:
            return
        due = checkpoint.age > 60 * self.checkpoint_minutes
        wish = self.ranks.highest(asked.code or (SAVE if due else 0))
        if wish:
            self._save(checkpoint)
        if wish > SAVE:
            self._leave(wish)

    def _leave(self, code: int) -> NoReturn:
        done = f"training is saved at step {self.state.step} of {self.schedule.steps}"
        raise Stopped(code, done if self.ranks.is_main else None)

    def _mean_loss(self) -> float:
        """Mean loss of the epoch so far, over all ranks.

        Raises:
            StudyError: when a loss is not a finite number.
        """
        first = self.schedule.epoch(self.state.step - 1) * self.schedule.steps_per_epoch
        losses = self.ranks.sum(self.state.losses[: self.state.step - first])
        return finite_mean(losses, first, self.schedule)

    def _save(self, checkpoint: Checkpoint) -> None:
        """Write the state, unless it is beyond use."""
        self._mean_loss()
        check_weights(self.state.model, self.state.step - 1, self.schedule)
        before, self._clock = self._clock, time.perf_counter()
        self.state.seconds += self._clock - before
        self.state.peak_memory = max(self.state.peak_memory, peak_memory(self.ranks.device))
        self.state.save(checkpoint, self.ranks)
