"""Installed packages are listed under the licences that they state."""

from email.message import Message

import pytest

from tools.licences import licence, page


def test_the_page_lists_what_is_installed():
    assert "| torch | 2.11.0" in page() and "| dvc | " in page()


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
