"""params.yaml, through :func:`cxrlt_core.system.yaml_file.read_yaml` and :func:`parse_params`."""

import ast
import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.yaml_file import read_yaml
from tests.architecture import ROOT

Attempt = Callable[[], object]
SMOKE = yaml.safe_load((ROOT / "profiles/smoke.yaml").read_text(encoding="utf-8"))


def attempt(row: str) -> Attempt:
    """What a row has in backticks: a file's text as Python writes it, or keys of the smoke study."""
    quoted = re.findall("`([^`]+)`", row)
    if quoted[0].startswith(("'", "b'")):
        return text(ast.literal_eval(quoted[0]))
    return changed({key: yaml.safe_load(value) for key, value in (part.split(": ", 1) for part in quoted)})


def changed(changes: dict[str, Any]) -> Attempt:
    return lambda: parse_params(with_changes(changes))


def with_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """The smoke study with some values changed: ``with_changes({"train.epochs": 2})``."""
    content = copy.deepcopy(SMOKE)
    for key, value in changes.items():
        *sections, last = (int(part) if part.isdigit() else part for part in key.split("."))
        section = content
        for name in sections:
            section = section[name]
        section[last] = value
    return content


def text(content: str | bytes) -> Attempt:
    def attempt() -> None:
        path = Path("params.yaml")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        parse_params(read_yaml(path))

    return attempt


def label_space(content: str) -> Attempt:
    """Parse the smoke study with a label space of one's own."""

    def attempt() -> None:
        Path("mine.yaml").write_text(content, encoding="utf-8")
        parse_params(with_changes({"data.label_space": "mine.yaml"}))

    return attempt


BIG = "classes: [Big heart]\n"
LABEL_SPACES = {
    "that is a list": "[Big heart]",
    "without classes": "title: mine",
    "of another key": f"{BIG}order: 1",
    "with a class twice": "classes: [Big heart, big_heart]",
    "with a class that is a number": "classes: [1]",
    "with a class that is of a patient": "classes: [Age]",
    "with a class that is a column": "classes: [view]",
    "with a class with a comma": 'classes: ["Heart, big"]',
    "with an alias of no class": f"{BIG}aliases: {{Big hart: [Cardiomegaly]}}",
    "with a relation of no class": f"{BIG}relations: {{nih14: {{Wet lung: {{near: [Effusion]}}}}}}",
    "with a relation that is none": f"{BIG}relations: {{nih14: {{Big heart: {{same: [Cardiomegaly]}}}}}}",
    "with the use of what is not there": f"{BIG}relations: {{nih14: {{Big heart: {{use: [near]}}}}}}",
}


def boxes_of_nih() -> None:
    """Parse the smoke study, which trains on NIH and no more, with boxes of it."""
    Path("boxes.csv").touch()
    changed({"data.sources.nih.boxes": "boxes.csv"})()


#: Those that a row does not spell out.
ATTEMPTS: dict[str, Attempt] = {
    "boxes of a source that nobody looks at": boxes_of_nih,
    "no such file": lambda: read_yaml(Path("params.yaml")),
    "brackets without end": text("a: " + "[" * 3000),
    "aliases of aliases": text(
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"{chr(c + 1)}: &{chr(c + 1)} [{f'*{chr(c)}, ' * 9}]\n" for c in range(97, 105))
    ),
    "a key that breaks the line": changed({"train.\n": 1}),
    **{f"a label space {what}": label_space(content) for what, content in LABEL_SPACES.items()},
    "a long value": changed({"train.epochs": "3" * 5000}),
    **{
        f"a name with {what}": changed({f"variants.{name}": SMOKE["variants"]["resnet50_bert_shared"]})
        for what, name in {"a space": "a b", "a dash before it": "-h"}.items()
    },
}
