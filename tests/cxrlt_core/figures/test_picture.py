from importlib import import_module

import matplotlib
import pytest
from figure_records import arguments
from matplotlib import pyplot as plt

from cxrlt_core.figures.picture import picture
from cxrlt_core.figures.style import render, save
from stages.artifacts.code import modules_of

CASES = arguments()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES)
def test_every_figure_draws_the_same_bytes_twice_and_says_something(case, tmp_path, monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, "figure.dpi", 48)  # a ninth of the pixels
    module = import_module(f"cxrlt_core.figures.{case.split()[0]}")
    for name in ("one", "two"):
        shown = picture(module, *CASES[case])
        save(render(shown.figure, "a note"), tmp_path / f"{name}.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert shown.records is CASES[case][0] and shown.caption.endswith(".")
    assert "None" not in shown.caption and "nan" not in shown.caption
    assert not plt.get_fignums()


def test_no_figure_is_forgotten_here():
    assert {case.split()[0] for case in CASES} == set(modules_of("cxrlt_core.figures")) - {"picture", "style"}
