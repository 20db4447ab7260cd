"""Every figure: its drawing of made records, and what it shows of made results."""

from dataclasses import replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature

import matplotlib
import pytest
from figure_records import arguments, examples, looks
from made_results import CLASSES, make_contrast, make_ensemble, make_results, make_scored, make_table
from matplotlib import pyplot as plt

from cxrlt_core.figures import Picture, Section, draw_figures, figures, style
from cxrlt_core.figures.style import render, save

CASES = arguments()
PLAIN, WEIGHTED = "resnet50_bert_shared", "densenet121_bert_reweighted+tta"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES)
def test_every_figure_draws_the_same_bytes_twice_and_says_something(case, tmp_path, monkeypatch):
    monkeypatch.setitem(style.STYLE, "figure.dpi", 48)  # a ninth of the pixels
    module = import_module(f"cxrlt_core.figures.{case.split()[0]}")
    for name in ("one", "two"):
        with style.applied():
            save(render(module.draw(*CASES[case]), "a note"), tmp_path / f"{name}.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    caption = module.caption(*CASES[case][: len(signature(module.caption).parameters)])
    assert caption.endswith(".") and "None" not in caption and "nan" not in caption
    assert not plt.get_fignums()


def test_no_figure_is_forgotten_here():
    assert {case.split()[0] for case in CASES} == set(figures())


@pytest.fixture(scope="module")
def pictures(smoke) -> list[Picture]:
    """Those of a study that has something of every figure."""
    table1 = [row for row in smoke.table1 if row.name in (PLAIN, WEIGHTED)]
    made = make_results(smoke.model_copy(update={"table1": table1}), examples=examples(), looks=looks())
    pair = make_contrast(WEIGHTED, PLAIN)
    added = make_contrast(WEIGHTED, PLAIN, what="reweight", change="off → 2", family="exploratory")
    rows = [replace(row, name=name) for row, name in zip(made.tables[0].rows, (PLAIN, WEIGHTED), strict=True)]
    first = make_table(1, rows, [pair, added], positives=made.tables[0].positives)
    scored = make_scored([PLAIN, WEIGHTED])
    return draw_figures(replace(made, tables=(first, made.tables[1]), scored=scored))


def test_a_study_shows_every_figure_once_in_the_order_of_the_report(pictures):
    names = [picture.name for picture in pictures]
    assert sorted(names) == sorted(
        {*figures(), "designs", "contrasts1", "table1", "table2"} - {"contrasts", "tables"}
    )
    order = [(list(Section).index(picture.section), picture.position) for picture in pictures]
    assert order == sorted(order) and len(set(order)) == len(order)
    words = [picture.alt for picture in pictures]
    assert len(set(words)) == len(words) and all(word.endswith(".") and len(word) < 90 for word in words)
    assert [picture.name for picture in pictures if not picture.records] == ["attention", "examples"]
    for picture in pictures:
        columns = {tuple(line) for line in picture.lines}
        assert len(columns) <= 1, picture.name


def test_what_a_study_has_nothing_of_is_not_drawn(smoke):
    made = make_results(smoke)
    even = make_ensemble(
        weights={key: [0.5, 0.5] for key in CLASSES},
        curves=replace(make_ensemble().curves, precision_recall={}),
    )
    ensembles = replace(made.ensembles, rows=dict.fromkeys(made.ensembles.rows, even))
    tables = tuple(
        make_table(table.number, table.rows, [], positives=table.positives) for table in made.tables
    )
    names = {picture.name for picture in draw_figures(replace(made, ensembles=ensembles, tables=tables))}
    assert names == {"table1", "table2", "long_tail", "class_scores", "cooccurrence", "reliability"} | {
        "learning_curves", "cost",
    }  # fmt: skip


def test_a_picture_in_the_report_has_its_caption_and_its_numbers(pictures):
    shown = {picture.name: picture for picture in pictures}
    choice, images = shown["member_choice"], shown["examples"]
    link = "([numbers](numbers/member_choice.csv))"
    expected = f"![{choice.alt}](figures/member_choice.png)\n\n{choice.caption} {link}\n"
    assert choice.markdown == expected and images.markdown.endswith(f"{images.caption}\n")
    assert choice.lines[0] | {"y": 0.0, "x_again": 0.8} == choice.lines[0]
    assert choice.lines[0]["class"] == "Edema" and "label" not in choice.lines[0]


def test_importing_the_style_changes_nothing_of_matplotlib():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        before = dict(matplotlib.rcParams)
        copy = spec_from_file_location("style_copy", style.__file__)
        copy.loader.exec_module(module_from_spec(copy))
        assert dict(matplotlib.rcParams) == before
        with style.applied():
            assert matplotlib.rcParams["axes.grid"]
        assert not matplotlib.rcParams["axes.grid"]
