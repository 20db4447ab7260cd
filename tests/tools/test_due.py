from types import SimpleNamespace

import pytest
from settings import usual

from cxrlt_core.params.training import Train
from tools.due import describe, due_stages


def cost(rate):
    return {"images": 1000, "images_per_second": rate, "device": "CPU, 2 threads"}


@pytest.fixture
def train():
    return usual(Train, seeds=[0, 1], epochs=6, steps=None)


def test_what_is_due_is_counted_by_kind(train):
    said = describe(["split", "train@a", "train@b", "report"], train, {"a": [], "b": []})
    assert said.splitlines() == [
        "due, at most: split, 2 train, report",
        "4 trainings, no earlier ones to estimate their time from",
    ]


def test_the_estimate_has_the_length_that_the_parameters_state(train):
    # 6 epochs of 1,000 images at 100 and 200 a second, twice; b is new and takes as long as a
    said = describe(["train@a"], train, {"a": [cost(100), cost(200)]})
    assert said.endswith("2 trainings, about 01:30 at the speed of the last ones (CPU, 2 threads)")
    said = describe(["train@a", "train@b"], train, {"a": [cost(100), cost(200)], "b": []})
    assert "4 trainings, about 03:00" in said
    steps = usual(Train, seeds=[0, 1], epochs=None, steps=10, batch_size=600)
    assert "2 trainings, about 02:00" in describe(["train@a"], steps, {"a": [cost(100)]})


def test_without_trainings_and_without_work(train):
    assert describe(["report"], train, {}) == "due, at most: report"
    assert describe([], train, {}) == "nothing is due: every stage is up to date"


class Stage(SimpleNamespace):
    __hash__ = object.__hash__


class Graph(dict):
    """From a stage to those that need it."""

    predecessors = dict.__getitem__


def test_what_follows_a_change_is_due_once():
    first, second, third, apart = (Stage(addressing=name) for name in ("one", "two", "three", "apart"))
    index = SimpleNamespace(
        graph=Graph({third: [], second: [third], first: [second, third], apart: []}),
        stages=[first, apart, second, third],
    )
    repo = SimpleNamespace(index=index, status=lambda: {"one": ["changed command"]})
    assert due_stages(repo) == ["one", "two", "three"]


def test_a_stage_that_always_runs_makes_nothing_due_unless_it_finds_a_change():
    look, pack, report = (Stage(addressing=name) for name in ("look", "pack", "report"))
    graph = Graph({report: [], pack: [report], look: [pack]})
    index = SimpleNamespace(graph=graph, stages=[look, pack, report])
    repo = SimpleNamespace(index=index, status=lambda: {"look": ["always changed"]})
    assert due_stages(repo) == []
    assert due_stages(repo, ["pack"]) == ["pack", "report"]
