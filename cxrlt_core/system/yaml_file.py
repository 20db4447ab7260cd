"""The text of params.yaml and of label spaces, read so that two readers of YAML find the same in it."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import existing

MOST = 100_000  # values of a file, aliases spelt out

#: What is read alike by YAML 1.1, which is used here, and by YAML 1.2, which DVC uses.
_PLAIN = {
    "bool": ("true|True|TRUE|false|False|FALSE", "switch, expected true or false"),
    "int": ("[-+]?(0|[1-9][0-9]*)", "number, expected decimal digits, no leading 0"),
    "float": (
        r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        "number, expected decimal digits",
    ),
}

#: A number to YAML 1.2, a text to 1.1. Here it is a number, too: 1e-4 is read, 08 and 0o17 are refused.
_NUMBERS = {
    "float": r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+",
    "int": "[-+]?(0o[0-7_]+|[0-9_]+)",
}


def read_yaml(path: Path | str) -> Any:
    """Return what a YAML file holds.

    Raises:
        StudyError: no such file, no UTF-8, no YAML, a key twice, more values than any study has, or a number
            or switch that YAML 1.1 and 1.2 read differently: 010 is 8 or 10, yes is true or a text.
    """
    try:
        content = yaml.load(existing(path).read_text(encoding="utf-8"), _Loader)
    except (StudyError, OSError):
        raise
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: not UTF-8 text at byte {error.start}; save it as UTF-8") from None
    except _Ambiguous as error:
        raise StudyError(f"{path}: {error}") from None
    except Exception as error:  # on odd scalars, and deep nesting, the reader raises nearly anything
        raise StudyError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not _is_small(content):
        raise StudyError(f"{path}: more than {MOST:,} values, aliases spelt out; expected a study")
    return content


def _is_small(content: Any) -> bool:
    """Return whether there are few values: aliases of aliases make billions of a few lines."""
    waiting, found = [content], 0
    while waiting and found <= MOST:
        value = waiting.pop()
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found += 1
    return found <= MOST


class _Ambiguous(Exception):
    """Something that is not read alike everywhere."""

    def __init__(self, node: yaml.Node, problem: str) -> None:
        super().__init__(f"line {node.start_mark.line + 1}: {problem}")


class _Loader(yaml.SafeLoader):
    """The safe loader, less what is ambiguous."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that is there twice; the last one would win in silence."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _Ambiguous(key, f"key {key.value!r} is there twice, expected it once")
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else "")
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        """Refuse a number or a switch that is not written plainly."""
        kind = node.tag.rpartition(":")[2]
        if kind in _PLAIN and not re.fullmatch(_PLAIN[kind][0], node.value):
            raise _Ambiguous(node, f"{node.value} is no plain {_PLAIN[kind][1]}")
        return super().construct_scalar(node)


for _kind, _pattern in _NUMBERS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"({_pattern})$"), "-+0123456789")
