"""The designs of a variant, each a key of its own in params.yaml, read into the settings of its module."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError

from cxrlt_core.designs import find_design, methods
from cxrlt_core.system.settings import Section


def _read(entries: Any) -> dict[str, Section]:
    """Read the settings of each design; all problems at once."""
    settings, problems = {}, []
    for name, entry in entries.items():
        try:
            settings[name] = find_design(name).Settings.model_validate(entry)
        except ValidationError as error:
            problems += [_within(name, problem) for problem in error.errors()]
    if problems:
        raise ValidationError.from_exception_data("designs", problems)
    return settings


def _within(name: str, problem: Any) -> Any:
    kept = {key: problem[key] for key in ("type", "input", "ctx") if key in problem}
    return {**kept, "loc": (name, *problem["loc"])}


def known_method(name: str) -> str:
    """Reject what is no way to combine models."""
    if name not in methods():
        raise ValueError(f"expected {', '.join(methods())}")
    return name


#: Name of a design to its settings.
Designs = Annotated[Mapping[str, SerializeAsAny[Section]], BeforeValidator(_read)]
