"""A few kills and full disks; ``make faults`` tries many, on every stage."""

import random
from itertools import cycle

import pytest

from tests.pipeline.faults.full_disk import limit
from tests.pipeline.faults.kills import VICTIMS, Usual, kill_often, tear_lock
from tests.pipeline.faults.study import Fault, Study
from tests.pipeline.faults.table import line, read_counts, table

#: Less than they take, so that there is something to kill.
USUAL = {"dvc": Usual(writes=8, seconds=1), "stages.reweight": Usual(writes=1, seconds=0.5)}


@pytest.fixture(scope="module")
def study(smoke):
    yield Study(smoke)
    smoke.restore()


def test_what_was_tried_is_counted():
    lines = [line(1, "tta", "stage, write"), line(2, "tta", "dvc, time"), line(3, "tta", "full disk")]
    counts = read_counts("\n".join([*lines, line(4, "clock", "files in the past"), "error: a: b"]))
    text = table(counts, ["tta"])
    assert (
        "| `tta` | 1 | 1 | 0 | 1 | 1 |\n| all | 1 | 1 | 0 | 1 | 1 |\n\n- clock, files in the past: 1" in text
    )


def test_a_stage_and_dvc_are_killed(study):
    done = kill_often(study, "reweight", cycle(VICTIMS), len(VICTIMS), random.Random(0), USUAL)
    assert [one.victim for one in done] == list(VICTIMS)


@pytest.mark.parametrize("in_git", [False, True])
def test_dvc_is_killed_while_it_writes_its_lock(study, in_git):
    tear_lock(study, random.Random(0), in_git)


def test_a_full_disk_is_a_line(study):
    for sizes in ({"settings": 0}, {"synthesize@chexpert": 50}):  # without the former no stage begins
        assert len(limit(study, sizes)) == len(sizes)


def test_what_is_not_as_it_was_is_found(study):
    place = study.folder / "weights/main.json"
    before = place.read_text()
    (study.folder / "data/sets/.x.tmp").touch()
    place.write_text(before.replace("2.0", "3.0"))
    with pytest.raises(Fault, match=r"left over: data/sets/\.x\.tmp; another: weights/main\.json"):
        study.check()
    with pytest.raises(Fault, match="computed again: train@a"):
        study.check(["train@a", "report"], due=())
    (study.folder / "data/sets/.x.tmp").unlink()
    place.write_text(before)
    study.check()
