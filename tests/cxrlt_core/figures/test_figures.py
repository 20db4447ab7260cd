"""What made studies show: one that has something of every figure, one without numbers, one of many seeds."""

from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from figure_records import examples, history, looks
from made_results import (
    CLASSES,
    UNKNOWN,
    make_contrast,
    make_ensemble,
    make_results,
    make_row,
    make_scored,
    make_table,
)
from matplotlib import pyplot as plt

from cxrlt_core.figures import Picture, Section, draw_figures, figures, style
from cxrlt_core.figures.style import render, save
from cxrlt_core.params.schema import Params
from cxrlt_core.results.models import ClassScore
from cxrlt_core.results.study import Results

PLAIN, WEIGHTED = "resnet50_bert_shared", "densenet121_bert_reweighted+tta"


def full(params: Params, value: float | None = 0.3, **contrast) -> Results:
    """A study that has something of every figure, with so much mAP and such contrasts."""
    table1 = [row for row in params.table1 if row.name in (PLAIN, WEIGHTED)]
    evidence = params.evidence.model_copy(update={"primary": ((PLAIN, WEIGHTED),)})
    params = params.model_copy(update={"table1": table1, "evidence": evidence})
    made = replace(make_results(params, examples=examples(), looks=looks()), params=params)
    pair = make_contrast(WEIGHTED, PLAIN, **contrast)
    added = replace(pair, what="reweight", change="off → 2", family="exploratory")
    rows = [make_row(name, value) for name in (PLAIN, WEIGHTED)]
    first = make_table(1, rows, [pair, added], positives=made.tables[0].positives)
    return replace(made, tables=(first, made.tables[1]), scored=make_scored([PLAIN, WEIGHTED]))


def undefined(params: Params) -> Results:
    """The same without a single number that is defined, of trainings of one epoch."""
    made = full(params, None, difference=UNKNOWN, published=None)
    scores = dict.fromkeys(CLASSES, ClassScore(None, None, 0, 0, 0))
    rows = dict.fromkeys(made.ensembles.rows, make_ensemble(classes=scores, stability=dict.fromkeys(CLASSES)))
    singles = {role: replace(single, classes=scores) for role, single in made.ensembles.singles.items()}
    ensembles = replace(made.ensembles, rows=rows, singles=singles)
    scored, epoch = make_scored([PLAIN, WEIGHTED], np.nan), history(1, seeds=2, monitored=True)
    return replace(made, ensembles=ensembles, targets=made.targets * 0, scored=scored, history=epoch)


def large(params: Params) -> Results:
    """The same of 20 variants with three seeds, trained for a hundred epochs."""
    train = params.train.model_copy(update={"seeds": (0, 1, 2)})
    made = full(params.model_copy(update={"train": train}))
    return replace(made, history=history(100, 20, 3, monitored=True))


def drawn(study: Results, folder: Path) -> dict[str, bytes]:
    """Draw every figure, look at its words, and return the bytes of its file."""
    folder.mkdir()
    for picture in draw_figures(study):
        assert picture.caption.endswith(".") and "None" not in picture.caption, picture.name
        assert "nan" not in picture.caption, picture.name
        save(render(picture.figure, "a note"), folder / picture.name)
    assert not plt.get_fignums()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("study", [undefined, large])
def test_every_figure_is_drawn_of_what_is_undefined_and_of_much(study, smoke, tmp_path, coarse):
    assert len(drawn(study(smoke), tmp_path / "one")) > len(figures())


@pytest.mark.filterwarnings("error")
def test_every_figure_draws_the_same_bytes_twice(smoke, tmp_path, coarse):
    one, two = (drawn(full(smoke), tmp_path / name) for name in ("one", "two"))
    assert one == two and all(content.startswith(b"\x89PNG") for content in one.values())


@pytest.fixture
def coarse(monkeypatch):
    monkeypatch.setitem(style.STYLE, "figure.dpi", 48)  # a ninth of the pixels


@pytest.fixture(scope="module")
def pictures(smoke) -> list[Picture]:
    return draw_figures(full(smoke))


def test_a_study_shows_every_figure_once_in_the_order_of_the_report(pictures):
    several = {"contrasts": ["designs", "contrasts1"], "tables": ["table1", "table2"]}
    names = [name for figure in figures() for name in several.get(figure, [figure])]
    assert sorted(picture.name for picture in pictures) == sorted(names)
    order = [(list(Section).index(picture.section), picture.position) for picture in pictures]
    assert order == sorted(order) and len(set(order)) == len(order)
    words = [picture.alt for picture in pictures]
    assert len(set(words)) == len(words) and all(word.endswith(".") and len(word) < 90 for word in words)
    for picture in pictures:
        assert len({tuple(line) for line in picture.records}) <= 1, picture.name
        assert picture.records or picture.name in ("attention", "examples")


def test_what_a_study_has_nothing_of_is_not_drawn(smoke):
    made = make_results(smoke)
    curves = replace(make_ensemble().curves, precision_recall={})
    even = make_ensemble(weights={name: [0.5, 0.5] for name in CLASSES}, curves=curves)
    ensembles = replace(made.ensembles, rows=dict.fromkeys(made.ensembles.rows, even))
    tables = tuple(make_table(its.number, its.rows, [], positives=its.positives) for its in made.tables)
    names = {picture.name for picture in draw_figures(replace(made, ensembles=ensembles, tables=tables))}
    assert {"table1", "table2", "long_tail", "cost"} < names
    lacking = {"designs", "contrasts1", "variance", "class_changes", "reweighting", "attention", "examples"}
    assert not names & (lacking | {"member_choice", "precision_recall"})


def test_a_picture_in_the_report_has_its_caption_and_its_numbers(pictures):
    shown = {picture.name: picture for picture in pictures}
    choice, images = shown["member_choice"], shown["examples"]
    link = "([numbers](numbers/member_choice.csv))"
    expected = f"![{choice.alt}](figures/member_choice.png)\n\n{choice.caption} {link}\n"
    assert choice.markdown() == expected and images.markdown().endswith(f"{images.caption}\n")
    assert choice.markdown("../") == expected.replace("(figures/", "(../figures/").replace("(num", "(../num")
    line = choice.records[0]
    assert (line["class"], line["group"], line["y"], line["x_again"]) == ("Edema", "head", 0.0, 0.8)


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
