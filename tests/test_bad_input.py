"""Every bad input in bad_input/bad-input.md ends in its line."""

import re

import pytest

from cxrlt_core.system.errors import StudyError
from tests.architecture import ROOT
from tests.bad_input import artifacts, comparisons, label_files, params, pictures

PAGE = (ROOT / "tests/bad_input/bad-input.md").read_text(encoding="utf-8")
LINE_BREAK = "`<br>`"  # between two lines of an error
#: Heading of the page to what makes each bad input in the working folder and hands it to what users come by.
ATTEMPTS = {
    "Label files": label_files.ATTEMPTS,
    "Image files": pictures.ATTEMPTS,
    "params.yaml": params.ATTEMPTS,
    "Stages, and files between them": artifacts.ATTEMPTS,
    "Predictions that are compared": comparisons.ATTEMPTS,
}
ROWS = [
    (section.split("\n", 1)[0], what, line.replace(r"\|", "|"))
    for section in PAGE.split("\n## ")[1:]
    for what, line in re.findall(r"^\| (.+) \| `(.+)` \|$", section, re.MULTILINE)
]


@pytest.mark.parametrize(("heading", "what", "line"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_a_bad_input_is_one_line(tmp_path, monkeypatch, heading, what, line):
    """… at its end stands for words of a package; places in the folder are relative to it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as error:
        (ATTEMPTS[heading].get(what) or params.attempt(what))()
    said = str(error.value).replace(f"{tmp_path}/", "").replace(f"{tmp_path}", "folder")
    said = said.replace("\n", LINE_BREAK)
    assert said.startswith(line[:-1]) if line.endswith("…") else said == line
    assert said.count(LINE_BREAK) == line.count(LINE_BREAK) and len(said) < 600


def test_the_page_has_every_attempt_once():
    rows = [(heading, what) for heading, what, _ in ROWS]
    assert len(rows) == len(set(rows)) == len(re.findall(r"^\| (?!input|---)", PAGE, re.MULTILINE))
    assert {(heading, what) for heading in ATTEMPTS for what in ATTEMPTS[heading]} <= set(rows)
