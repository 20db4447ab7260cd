"""Committed studies of real images hold nothing of one patient, and nothing of the machine that made them."""

import re
from pathlib import Path

import pytest

from tests.architecture import ROOT

EXAMPLES = ROOT / "docs/examples"
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
PICTURES = {"examples.png", "attention.png"}  # of images themselves
FORBIDDEN = {
    "the name of an image": r"\b\d{8}_\d{3}\b|\.(?:dcm|jpe?g)\b|\bp\d{8}\b|\bpatient\d{5}\b",
    "a column of rows": r"\b(?:image|patient|study)_id\b|\bImage Index\b|\bPatient ID\b",
    "a path of a machine": r"(?<![\w.*:)\]/>-])/(?:home|root|tmp|work|mnt|opt|usr|var|scratch|Users)/",
}


def private(path: Path) -> list[str]:
    """What of one patient or machine a file shows."""
    if path.suffix == ".png":
        return ["pictures of patients"] if path.name in PICTURES else []
    if path.suffix not in {".md", ".csv", ".json", ".yaml"}:
        return ["an unknown kind of file"]
    text = path.read_text(encoding="utf-8")
    return [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)]


def test_the_committed_studies_hold_aggregates_alone():
    assert FILES and {path.relative_to(ROOT): found for path in FILES if (found := private(path))} == {}


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", "image,score\n00000001_000.png,0.5\n", ["the name of an image"]),
        ("a.csv", "patient_id,AP\n1,0.5\n", ["a column of rows"]),
        ("a.md", "read from /home/me/images", ["a path of a machine"]),
        ("examples.png", "", ["pictures of patients"]),
        ("a.parquet", "", ["an unknown kind of file"]),
        ("a.md", "[docs](../home/page.md) of 103 patients", []),
    ],
)
def test_what_is_private_is_found(tmp_path, name, content, found):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert private(tmp_path / name) == found


def test_the_commands_of_the_page_are_those_of_the_profile():
    page = (EXAMPLES / "nih-sample/README.md").read_text(encoding="utf-8")
    profile = (ROOT / "profiles/nih-sample.yaml").read_text(encoding="utf-8")
    [commands] = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    assert re.findall(r"^#      (?!data/)(.*\n)", profile, re.MULTILINE) == commands.splitlines(keepends=True)
