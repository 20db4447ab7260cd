"""``cxrlt compare``: the page's example as it stands, what is written, and the lines of wrong options."""

import json
import re
import shlex
from pathlib import Path

import pytest

from cxrlt.__main__ import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/compare.md").read_text(encoding="utf-8")
FILES, PYTHON = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
EXAMPLE = shlex.split(re.search(r"```sh\ncxrlt (compare.*linear.*)\n```", PAGE).group(1))


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A folder with the files of the page's example."""
    folder = tmp_path_factory.mktemp("example")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(FILES, "docs/compare.md", "exec"), {})
    return folder


@pytest.fixture
def here(example, monkeypatch):
    monkeypatch.chdir(example)
    return example


def test_the_page_runs_as_it_stands_and_python_says_what_the_command_writes(here, capsys):
    assert main(EXAMPLE) == 0
    said = capsys.readouterr()
    shown = re.search(r"```\n(forest.*?)```", PAGE, flags=re.DOTALL).group(1)
    numbers = r"[+-]0\.\d{4}"
    assert re.sub(numbers, "#", said.out) == re.sub(numbers, "#", shown) and not said.err
    written = json.loads(Path("judged/compare.json").read_text())
    (contrast,) = written["contrasts"]
    scope = {}
    exec(compile(PYTHON, "docs/compare.md", "exec"), scope)
    assert scope["comparison"].to_json() == written
    printed = (contrast["pair"], contrast["difference"], contrast["interval"], contrast["verdict"])
    assert (
        capsys.readouterr().out.split()
        == " ".join(str(tuple(part) if isinstance(part, list) else part) for part in printed).split()
    )
    documented = json.loads(re.search(r"```json\n(.*?)```", PAGE, flags=re.DOTALL).group(1))
    assert documented.keys() <= written.keys() and written["rules"]["margin"] == 0.002
    assert documented["systems"]["linear"].keys() <= written["systems"]["linear"].keys()
    assert documented["contrasts"][0].keys() <= contrast.keys()
    assert len(PYTHON.split("\n\n", 1)[1].splitlines()) <= 10
    page = Path("judged/compare.md").read_text()
    assert "| forest − linear |" in page and contrast["verdict"] in page and ".png" not in page + str(written)


def test_options_reach_the_judge_and_warnings_are_said_and_written(here, capsys):
    words = (
        "compare --labels labels.csv --system li|near linear/*.csv --system forest forest/0.csv forest/1.csv"
    )
    more = "--out more --metric mAUROC --margin 0.5 --looks 3,6 --pool linear/0.csv linear/1.csv"
    assert main([*words.split(), *more.split()]) == 0
    said, written = capsys.readouterr(), json.loads(Path("more/compare.json").read_text())
    assert written["rules"] | {"metric": "mAUROC", "margin": 0.5, "looks": [3, 6]} == written["rules"]
    assert written["contrasts"][0]["seeds"] == [2, 3] and written["systems"]["forest"]["mAUROC"] > 0.5
    assert written["contrasts"][0]["verdict"] == "two seeds: no verdict"
    expected = [
        "forest: two seeds: no verdict",
        "unequal numbers of seeds: such systems are not compared seed by seed",
        "the pool holds trainings of the systems themselves, whose noise then counts twice",
    ]
    assert written["warnings"] == expected
    assert said.err.splitlines() == [f"warning: {line}" for line in expected]
    page = Path("more/compare.md").read_text()
    assert (
        all(f"\n- {line}\n" in page for line in expected) and "at 3, 6 seeds" in page and "li\\|near" in page
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--metric mAPP", "error: no metric 'mAPP', did you mean 'mAP'?"),
        ("--out labels.csv", "error: --out labels.csv: is a file, expected a folder"),
        ("--system forest forest/7.csv", "error: --system forest: there twice, expected one --system …"),
        ("--system third forest/7.csv", "error: forest/7.csv: no such file"),
        ("--looks 3,3", "…argument --looks: '3,3': expected rising numbers from 3 on, as 3,5,10"),
        ("--looks soon", "…argument --looks: 'soon': expected rising numbers from 3 on, as 3,5,10"),
        ("--margin -1", "…argument --margin: '-1' is no number of at least 0"),
        ("--margin nan", "…argument --margin: 'nan' is no number of at least 0"),
    ],
)
def test_a_mistake_is_a_line(here, capsys, words, line):
    try:
        assert main([*EXAMPLE, *words.split()]) == 1
    except SystemExit as end:
        assert end.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(re.escape(line).replace("…", ".*"), last)
