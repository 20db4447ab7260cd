"""How often verdicts are false and intervals hold the truth, in simulated studies, by the study's own code.

A study is the published one: the nine rows of Table 1 with ten steps on development patients, and three
ensembles of ten trainings with three steps on test patients, judged as one family. Kinds:

    worlds       no design does anything; the noise of trainings is as the estimator takes it, or is not
    looks        seeds are added until something is resolved, with declared looks and without
    equivalence  every step changes mAP by exactly the margin
    plan         what the planner's number of seeds resolves in a fresh study
    systems      two systems of cxrlt compare that do not differ, without a pool and with one
    ap           average precision of scores that are drawn image by image, resampled by the real code

FWER is the share of studies with any false verdict, nominally 0.05 at most; coverage that of 95 % intervals.

Usage: nice -n 15 env OMP_NUM_THREADS=1 python -m benchmarks.verdicts [kind …] [--help]
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch

from benchmarks.machine import describe_machine
from benchmarks.verdict_worlds import (
    CONTRASTS,
    ENSEMBLES,
    ROWS,
    STEPS,
    WORLDS,
    Study,
    World,
    average_precisions,
    gaussian,
    of_rows,
    patient_noise,
)
from cxrlt_core.evidence.alarms import noise_alarms
from cxrlt_core.evidence.estimator import Estimate, Sampled, estimate
from cxrlt_core.evidence.family import DOWN, EQUIVALENT, UP, Family
from cxrlt_core.evidence.power_analysis import seeds_needed
from cxrlt_core.evidence.seed_variance import (
    PooledSeedVariance,
    RecombinedSeedVariance,
    SeedVarianceModel,
    orthogonal_array,
)
from cxrlt_core.evidence.system_noise import estimate_difference, shown_by
from cxrlt_core.metrics.bootstrap import centred
from cxrlt_core.reporting.markdown import markdown_table

LEVEL, METRIC, LOOKS = 0.95, "mAP", (3, 5, 10)
#: Classes of a line of average precision: the first, the end, and the positive patients that a class needs.
GROUPS = {"head": (0, 3, 5), "all classes": (0, 8, 5), "tail": (5, 8, 5), "all, none left out": (0, 8, 1)}


@dataclass(frozen=True)
class Outcome:
    """Estimates of a study, in the order of its contrasts and rows."""

    contrasts: list[Estimate]
    rows: dict[str, list[Estimate]] = field(default_factory=dict)  # by table

    def false(self, truth: float = 0.0, margin: float = 0.0, looks: Sequence[int] = ()) -> np.ndarray:
        """Which contrasts have a false verdict, where all are truly so much, bool (k,)."""
        family = Family(LEVEL, margin, len(self.contrasts), looks)
        wrong = {EQUIVALENT} if abs(truth) >= margin > 0 else set()
        wrong |= {verdict for verdict, sign in ((UP, 1), (DOWN, -1)) if sign * truth <= 0}
        return np.array([family.judge(each).verdict in wrong for each in self.contrasts])


def holds(estimates: Sequence[Estimate], truth: float = 0.0) -> np.ndarray:
    """Which 95 % intervals hold the truth, bool (k,)."""
    ends = np.array([each.interval(LEVEL) for each in estimates])
    return (ends[:, 0] <= truth) & (truth <= ends[:, 1])


def analyse(study: Study, seeds: int | None = None, shift: float = 0.0) -> Outcome:
    """Estimate a study from its first seeds; ``shift`` is added to every contrast."""
    names, points, cells = study.trainings, study.points[..., :seeds], study.cells[..., :seeds, :]
    rows = {row: place for row, place in ROWS.items() if place[0] in names}
    noise = PooledSeedVariance(rows, names, {METRIC: points})
    contrasts = [weights for weights in CONTRASTS if weights.keys() <= rows.keys()]
    data = dict(zip(rows, zip(of_rows(points, names), of_rows(cells, names), strict=True), strict=True))
    estimates = {"Table 1": [estimate_of({row: 1.0}, data, noise, 0.0) for row in rows]}
    steps = [estimate_of(weights, data, noise, shift) for weights in contrasts]
    if study.test is None:
        return Outcome(steps, estimates)
    on_test, test_cells = study.test[:, :seeds], study.test_cells[:, :seeds]
    array = orthogonal_array(len(names), on_test.shape[1])
    recombined = on_test[np.arange(len(names)), array]
    runs = {row: {METRIC: recombined @ weights} for row, weights in ENSEMBLES.items()}
    members = {row: weights > 0 for row, weights in ENSEMBLES.items()}
    noise2 = RecombinedSeedVariance(array, members, runs)
    data2 = {row: (w @ on_test, np.tensordot(w, test_cells, 1)) for row, w in ENSEMBLES.items()}
    estimates["Table 2"] = [estimate_of({row: 1.0}, data2, noise2, 0.0) for row in ENSEMBLES]
    steps += [estimate_of(weights, data2, noise2, shift) for weights in STEPS]
    return Outcome(steps, estimates)


def estimate_of(
    weights: Mapping[str, float],
    data: Mapping[str, tuple[np.ndarray, np.ndarray]],
    noise: SeedVarianceModel,
    shift: float,
) -> Estimate:
    """Estimate a weighted sum of rows from their points (S,) and resamples (S, B)."""
    points, cells = (sum(w * data[row][n] for row, w in weights.items()) for n in (0, 1))
    points = points + shift
    around = cells - cells.mean(axis=1, keepdims=True)
    return estimate(Sampled(points, around, np.zeros_like(points)), noise.of(weights, METRIC, points))


#: World, seeds and ratio of the lines of worlds.
CASES = [("alike", seeds, ratio) for seeds in (3, 5) for ratio in (0.0, 0.5, 1.0, 2.0, 4.0)]
CASES += [(name, seeds, 2.0) for name in WORLDS if name != "alike" for seeds in (3, 5)]


def worlds(options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield a line for each world, number of seeds and ratio of noises."""
    yield ["world", "seeds", "ratio", "FWER", "steps", "lowest", "rows, Table 1", "rows, Table 2", "alarm"]
    yield from (world_line(*case, options) for case in CASES)


def world_line(name: str, seeds: int, ratio: float, options: argparse.Namespace) -> list[str]:
    """Simulate the studies of a line."""
    found, alarms = [], []
    for number in range(options.studies):
        study = drawn(WORLDS[name], seeds, ratio, options, number)
        found.append(analyse(study))
        alarms.append(bool(noise_alarms(study.trainings, study.points[0], LEVEL)))
    false = np.mean([each.false().any() for each in found])
    steps = np.mean([holds(each.contrasts) for each in found], axis=0)
    rows = [
        f"{np.mean([holds(each.rows[table]) for each in found]):.3f}" if table in found[0].rows else "–"
        for table in ("Table 1", "Table 2")
    ]
    cells = [f"{false:.3f}", f"{steps.mean():.3f}", f"{steps.min():.3f}"]
    return [name, str(seeds), f"{ratio:g}", *cells, *rows, f"{np.mean(alarms):.2f}"]


def looks(options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield a line for each ratio of noises: three looks, declared and not, and eight that are not."""
    yield ["ratio", "3 seeds alone", "3, 5, 10 declared", "3, 5, 10 undeclared", "each of 3 to 10"]
    for ratio in (0.0, 1.0, 2.0, 4.0):
        seen = []
        for number in range(options.studies // 2):
            study = drawn(WORLDS["alike"], 10, ratio, options, number)
            found = {seeds: analyse(study, seeds) for seeds in range(3, 11)}
            alone = {seeds: each.false().any() for seeds, each in found.items()}
            declared = [found[seeds].false(looks=LOOKS).any() for seeds in LOOKS]
            seen.append([alone[3], any(declared), any(alone[s] for s in LOOKS), any(alone.values())])
        yield [f"{ratio:g}", *(f"{rate:.3f}" for rate in np.mean(seen, axis=0))]


def equivalence(options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield a line for each number of seeds and margin: of studies in which every step is the margin."""
    yield ["seeds", "ratio", "margin", "FWER"]
    for seeds, ratio, margin in product((3, 5), (0.0, 2.0), (3.0, 12.0)):
        wrong = []
        for number in range(options.studies // 2):
            found = analyse(drawn(WORLDS["alike"], seeds, ratio, options, number), shift=margin)
            wrong.append(found.false(margin, margin).any())
        yield [str(seeds), f"{ratio:g}", f"{margin:g}", f"{np.mean(wrong):.3f}"]


def plan(options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield a line for each true difference: what the seeds that a study of three asks for resolve."""
    yield ["ratio", "true difference", "seeds asked for: median", "10 %", "90 %", "resolved by a fresh study"]
    for ratio, truth in ((1.0, 6.0), (1.0, 8.0), (2.0, 8.0), (2.0, 12.0), (4.0, 20.0)):
        asked, resolved = [], []
        for number in range(options.studies // 2):
            parts = analyse(drawn(WORLDS["alike"], 3, ratio, options, number)).contrasts[0].parts
            seeds = seeds_needed(parts, 3, truth, LEVEL, len(CONTRASTS) + len(STEPS))
            asked.append(seeds if isinstance(seeds, int) else np.inf)
            if asked[-1] <= 40:
                fresh = drawn(WORLDS["alike"], int(seeds), ratio, options, number + 10**6)
                found = analyse(fresh, shift=truth)
                family = Family(LEVEL, 0.0, len(found.contrasts))
                resolved.append(family.judge(found.contrasts[0]).verdict == UP)
        spread = np.quantile(asked, [0.5, 0.1, 0.9], method="lower")
        yield [f"{ratio:g}", f"{truth:g}", *(f"{n:g}" for n in spread), f"{np.mean(resolved):.3f}"]


def systems(options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield a line for each two numbers of seeds: which 95 % intervals miss 0, by the trainings of a pool."""
    pools = (0, 1, 2, 8)
    yield ["seeds", "ratio", *(f"pool of {number}" if number else "no pool" for number in pools)]
    for seeds, ratio in product(((3, 3), (3, 5), (5, 5), (3, 10)), (0.0, 1.0, 2.0, 4.0)):
        generator, missed = np.random.default_rng([*seeds, round(10 * ratio)]), []
        for _ in range(options.studies):
            pair = [system(generator, number, ratio, options.resamples) for number in seeds]
            further = list(ratio * np.sqrt(1.5) * generator.normal(size=(max(pools), seeds[0])))
            further += np.sqrt(0.45) * generator.normal(size=(max(pools), seeds[0]))
            found = [estimate_difference(*pair, shown_by(further[:number])) for number in pools]
            missed.append(~holds(found))
        yield [" and ".join(map(str, seeds)), f"{ratio:g}", *(f"{m:.3f}" for m in np.mean(missed, axis=0))]


def system(generator: np.random.Generator, seeds: int, ratio: float, resamples: int) -> Sampled:
    """Draw a system with the noise of a training in a study."""
    noise = patient_noise(generator, 1, seeds, resamples + 1)[0, 0]
    points = noise[:, 0] + ratio * np.sqrt(1.5) * generator.normal(size=seeds)
    around = noise[:, 1:] - noise[:, 1:].mean(axis=1, keepdims=True)
    return Sampled(points, around, np.zeros(seeds))


def ap(options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield a line for each group of classes, number of seeds and spread of trainings."""
    yield ["seeds", "a seed moves a class by", "classes", "studies", "FWER", "steps", "lowest"]
    for seeds, spread in ((3, 0.0), (3, 0.2), (5, 0.2)):
        found: dict[str, list[Outcome]] = {name: [] for name in GROUPS}
        for number in range(options.ap_studies):
            positives, points, cells = average_precisions(seeds, spread, options.ap_resamples, number)
            for name, (first, last, least) in GROUPS.items():
                chosen = np.flatnonzero(positives[first:last] >= least) + first
                if len(chosen):
                    deviations = centred(cells[..., chosen], axis=-2)[1].mean(axis=-1)
                    study = Study("abcdefgh", points[..., chosen].mean(axis=-1), deviations)
                    found[name].append(analyse(study))
        for name, outcomes in found.items():
            steps = np.mean([holds(each.contrasts) for each in outcomes], axis=0)
            false = np.mean([each.false().any() for each in outcomes])
            cells_ = [f"{false:.3f}", f"{steps.mean():.3f}", f"{steps.min():.3f}"]
            yield [str(seeds), f"{spread:g}", name, str(len(outcomes)), *cells_]


def drawn(world: World, seeds: int, ratio: float, options: argparse.Namespace, number: int) -> Study:
    """Draw a study of a world."""
    stream = [number, seeds, round(100 * ratio), [*WORLDS.values()].index(world)]
    return gaussian(world, seeds, ratio, options.resamples, np.random.default_rng(stream))


KINDS: dict[str, Callable[[argparse.Namespace], Iterator[list[str]]]] = {
    "worlds": worlds, "looks": looks, "equivalence": equivalence, "plan": plan, "systems": systems,
    "ap": ap,
}  # fmt: skip


def main() -> None:
    """Print a markdown table for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], default=[])
    parser.add_argument("--studies", type=int, default=1000, help="of a world")
    parser.add_argument("--resamples", type=int, default=300)
    parser.add_argument("--ap-studies", type=int, default=100)
    parser.add_argument("--ap-resamples", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{describe_machine('scipy', 'torch')}; one thread\n")
    for kind in options.kinds or KINDS:
        start = time.perf_counter()
        header, *rows = KINDS[kind](options)
        print(f"### {kind}\n\n{markdown_table(header, rows)}", flush=True)
        print(f"{time.perf_counter() - start:,.0f} s.\n", flush=True)


if __name__ == "__main__":
    main()
