"""What speaks against trainings of one noise: a variant noisier than the others, a seed gone astray."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc, stdtr  # F and Student; scipy.stats takes longer to load


@dataclass(frozen=True)
class NoiseAlarm:
    """A training, or one seed of it, that is not like the others.

    Attributes:
        training: its name.
        seed: position of the seed; None of the training as a whole.
        size: how often its variance is that of the others; of a seed its distance from the mean of the
            training's other seeds, in standard deviations of what that would be.
        p: of no difference, adjusted for the number of trainings or of seeds (Bonferroni).
    """

    training: str
    seed: int | None
    size: float
    p: float


def noise_alarms(names: Sequence[str], values: np.ndarray, level: float) -> list[NoiseAlarm]:
    """Return the noisiest training and the most distant seed, where either is too much for chance.

    Both are measured by the variance within the *other* trainings, with (T - 1)(S - 1) degrees of freedom.

    Args:
        names: of T trainings.
        values: with S seeds each, float (T, S).
        level: 1 - level is the chance of an alarm, of either kind, where all are alike.
    """
    trainings, seeds = values.shape
    if trainings < 2 or seeds < 2 or not np.isfinite(values).all():
        return []
    own = values.var(axis=1, ddof=1)
    others = (own.sum() - own) / (trainings - 1)
    if not (others > 0).all():
        return []
    dof = (trainings - 1) * (seeds - 1)
    ratios = own / others
    distances = (values - values.mean(axis=1, keepdims=True)) * seeds / (seeds - 1)
    distances /= np.sqrt(others[:, None] * seeds / (seeds - 1))
    noisiest = int(ratios.argmax())
    training, seed = np.unravel_index(np.abs(distances).argmax(), values.shape)
    farthest = float(distances[training, seed])
    p_ratio = min(1.0, trainings * float(fdtrc(seeds - 1, dof, ratios[noisiest])))
    p_distance = min(1.0, 2 * values.size * float(stdtr(dof, -abs(farthest))))
    alarms = [
        NoiseAlarm(names[noisiest], None, float(ratios[noisiest]), p_ratio),
        NoiseAlarm(names[training], int(seed), farthest, p_distance),
    ]
    return [alarm for alarm in alarms if alarm.p <= 1 - level]
