from types import SimpleNamespace

import pytest
from dvc.repo import Repo
from settings import usual

from cxrlt_core.params.training import Train
from cxrlt_core.system.errors import StudyError
from tools import due
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
    assert describe(["report"], train, {}) == "due, at most: report"
    assert describe([], train, {}) == "nothing is due: every stage is up to date"


def test_the_estimate_has_the_length_that_the_parameters_state(train):
    # 6 epochs of 1,000 images at 100 and 200 a second, twice; b is new and takes as long as a
    said = describe(["train@a"], train, {"a": [cost(100), cost(200)]})
    assert said.endswith("2 trainings, about 01:30 at the speed of the last ones (CPU, 2 threads)")
    said = describe(["train@a", "train@b"], train, {"a": [cost(100), cost(200)], "b": []})
    assert "4 trainings, about 03:00" in said
    steps = usual(Train, seeds=[0, 1], epochs=None, steps=10, batch_size=600)
    assert "2 trainings, about 02:00" in describe(["train@a"], steps, {"a": [cost(100)]})


@pytest.mark.dvc
def test_a_run_that_goes_on_is_a_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = SimpleNamespace(data=SimpleNamespace(sources={}), variants={})
    line = pytest.raises(StudyError, match=r"^another dvc is at work in this folder")
    with Repo.init(no_scm=True) as repo, repo.lock, line:
        due.main(params)


class Stage(SimpleNamespace):
    __hash__ = object.__hash__


class Graph(dict):
    """From a stage to those that need it."""

    predecessors = dict.__getitem__


def repo(changed, **needed_by):
    """A repository of stages, each with those that need it, and what DVC says of them."""
    stages = {name: Stage(addressing=name) for name in needed_by}
    graph = Graph({stages[name]: [stages[n] for n in needing] for name, needing in needed_by.items()})
    index = SimpleNamespace(graph=graph, stages=[*stages.values()])
    return SimpleNamespace(index=index, status=lambda: changed)


def test_what_follows_a_change_is_due_once():
    changed = repo({"one": ["changed command"]}, one=["two", "three"], apart=[], two=["three"], three=[])
    assert due_stages(changed) == ["one", "two", "three"]
    always = repo({"look": ["always changed"]}, look=["pack"], pack=["report"], report=[])
    assert due_stages(always) == []  # unless it finds a change
    assert due_stages(always, ["pack"]) == ["pack", "report"]
