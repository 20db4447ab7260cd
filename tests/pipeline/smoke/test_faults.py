"""A few kills and full disks; ``make faults`` tries many, on every stage."""

import random
from itertools import cycle

import pytest

from tests.pipeline.faults.full_disk import limit
from tests.pipeline.faults.kills import VICTIMS, kill_often
from tests.pipeline.faults.study import Study


@pytest.fixture(scope="module")
def study(smoke):
    yield Study(smoke)
    smoke.restore()


def test_a_stage_and_dvc_are_killed(study):
    generator = random.Random(0)
    assert len(list(kill_often(study, "reweight", cycle(VICTIMS), 3, generator))) == 3


def test_a_full_disk_is_a_line(study):
    """Of each way in which files are written: text, tables, tensors, images, folders."""
    sizes = {"harmonize@nih": 100, "embed@pubmedbert": 100, "synthesize@chexpert": 0, "settings": 0}
    assert len(limit(study, sizes)) == len(sizes)
