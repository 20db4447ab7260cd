"""``kill -9`` of a stage, of dvc or of both, at a random moment or just before a random write."""

import random
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import psutil

from tests.pipeline.faults.processes import Command, environment
from tests.pipeline.faults.study import Fault, Study

VICTIMS = ("stage", "dvc", "group")
MOMENTS = ("write", "time")
LOOK = 0.03  # seconds


class Usual(NamedTuple):
    """What a program does undisturbed: its writes below the study's folder, and its seconds."""

    writes: int
    seconds: float


class Kill(NamedTuple):
    """What was done to a stage."""

    stage: str  # its address, such as tta@resnet50
    victim: str
    moment: str


def module_of(address: str) -> str:
    name = address.split("@")[0]
    return "stages.reweight" if name == "reweight_more" else f"stages.{name}"


def measure(study: Study, address: str) -> dict[str, Usual]:
    """Run a stage anew, undisturbed, and return what it and dvc do."""
    study.forget(address)
    log, found = study.folder / ".dvc/tmp/writes", {}
    log.unlink(missing_ok=True)
    command = Command(study.folder, repro(address), environment(study.folder, program="any", log=str(log)))
    if command.wait():
        raise Fault(command.said())
    for line in log.read_text().splitlines():
        program, writes, seconds = line.split()
        found[program] = Usual(int(writes), float(seconds))
    return found


def repro(address: str) -> tuple[str, ...]:
    """Return the command that runs a stage alone, if it is due."""
    return ("dvc", "repro", "--single-item", address)


def kill(study: Study, one: Kill, usual: Mapping[str, Usual], generator: random.Random) -> bool:
    """Start a stage that is due and kill; return whether something was left to kill."""
    module = module_of(one.stage)
    watched = "dvc" if one.victim == "dvc" and generator.random() < 0.5 else module
    its = usual.get(watched, usual[module])
    fault = {}
    if one.moment == "write":
        before = generator.randint(1, max(1, its.writes))
        fault = {"program": watched, "at": before, "torn": generator.choice((None, generator.random()))}
    command = Command(study.folder, repro(one.stage), environment(study.folder, **fault))
    while command.running and watched != "dvc" and not command.find(module):
        time.sleep(LOOK)
    end = time.monotonic() + its.seconds * generator.random()
    while command.running and not (command.stopped() if one.moment == "write" else time.monotonic() > end):
        time.sleep(LOOK)
    others = command.below()
    try:
        return strike(command, one.victim, module)
    finally:
        command.wake(others)
        command.wait()


def strike(command: Command, victim: str, module: str) -> bool:
    """Kill; return whether there was something to kill."""
    target = command.find(module) if victim == "stage" else command.top
    if not command.running or target is None:
        return False
    try:
        command.kill_all() if victim == "group" else target.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def tear_lock(study: Study, generator: random.Random, in_git: bool = True) -> None:
    """Kill dvc while it writes dvc.lock, of which a random share is there; go on and check."""
    study.workspace.git(*(("add",) if in_git else ("rm", "--quiet", "--cached")), "dvc.lock")
    study.workspace.git("commit", "--quiet", "--allow-empty", "--message", "lock")
    lock = study.folder / "dvc.lock"
    fault, size = {"program": "dvc", "at": lock.name, "torn": generator.random()}, lock.stat().st_size
    words = ("dvc", "repro", "--force", "--single-item", "describe")
    command = Command(study.folder, words, environment(study.folder, **fault))
    while command.running and not command.stopped():
        time.sleep(LOOK)
    command.kill_all()
    command.wait()
    if lock.stat().st_size >= size:
        raise Fault("dvc.lock: not torn")
    study.check(study.go_on(), due={"describe"})


def kill_often(
    study: Study,
    address: str,
    victims: Iterator[str],
    kills: int,
    generator: random.Random,
    usual: Mapping[str, Usual] | None = None,
) -> Iterator[Kill]:
    """Kill a stage so often while it is due, go on with the one command and check; yield each kill.

    What a kill has left is what the next run starts from. A stage that ended before it could be killed is
    checked, and run anew. What the stage does undisturbed is measured, if it is not known.
    """
    usual = usual or measure(study, address)
    study.forget(address)
    for _ in range(kills):
        one = Kill(address, next(victims), generator.choice(MOMENTS))
        while not kill(study, one, usual, generator):
            study.check(study.go_on(), due={address})
            study.forget(address)
        yield one
    study.check(study.go_on(), due={address})
