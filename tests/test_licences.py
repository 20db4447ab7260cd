"""docs/licences.md lists what requirements.lock installs, under the licences that the packages state."""

import re
from email.message import Message

import pytest

from tests.licences import PAGE, licence, licences, locked


def test_the_page_lists_the_lock_and_what_is_installed():
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) \| (\d[\w., ]*) \| (.+) \|$", page, re.MULTILINE)
    packages = {name: versions.split(", ") for name, versions, _ in rows}
    assert packages == locked()
    assert packages["torch"] == ["2.11.0"] and len(packages["networkx"]) == 2 and len(packages) > 150
    stated = licences()
    assert {name: text for name, _, text in rows if name in stated} == stated


@pytest.mark.parametrize(
    ("expression", "line", "classified", "text"),
    [
        ("MIT", "The MIT License", ["License :: OSI Approved :: BSD License"], "MIT"),
        (None, "BSD", ["License :: OSI Approved :: BSD License"], "BSD"),
        (None, "Copyright (c) 2015\n" * 40, ["License :: OSI Approved :: BSD License"], "BSD License"),
        (None, None, ["License :: OSI Approved :: MIT License", "Topic :: Software"], "MIT License"),
        (None, "Dual", ["License :: OSI Approved :: X", "License :: OSI Approved :: Y"], "X OR Y"),
        (None, None, [], "not stated"),
    ],
)
def test_the_shortest_whole_statement_counts(expression, line, classified, text):
    stated = Message()
    for key, value in (("License-Expression", expression), ("License", line)):
        if value:
            stated[key] = value
    for value in classified:
        stated["Classifier"] = value
    assert licence(stated) == text
