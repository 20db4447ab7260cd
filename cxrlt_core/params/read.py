"""The text of params.yaml, read so that two readers of YAML cannot find different studies in it."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import existing

_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")


def read_params_file(path: Path | str) -> Any:
    """Return what a YAML file holds.

    Raises:
        StudyError: no such file, no UTF-8, no YAML, a key twice, or an integer that is not plainly decimal:
            YAML 1.1, which is used here, reads 010 as 8 and 1:30 as 90, YAML 1.2, which DVC uses, does not.
    """
    try:
        return yaml.load(existing(path).read_text(encoding="utf-8"), _Loader)
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: not UTF-8 text at byte {error.start}; save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise StudyError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    except _Ambiguous as error:
        raise StudyError(f"{path}: {error}") from None


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

    def decimal(self, node: yaml.ScalarNode) -> int:
        """Refuse an integer that is not plainly decimal."""
        if not _DECIMAL.fullmatch(node.value):
            raise _Ambiguous(node, f"{node.value} is no plain number, expected decimal digits, no leading 0")
        return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.decimal)
