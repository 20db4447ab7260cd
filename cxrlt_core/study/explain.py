"""What is wrong with params.yaml, a line a problem: the key, what is wrong, what to write instead."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from cxrlt_core.designs import find_design, of_variants
from cxrlt_core.losses import LossSettings, find_kind
from cxrlt_core.params.schema import Params, Source, Variant
from cxrlt_core.study.gather import BOXES, RECIPE, own_keys
from cxrlt_core.system.errors import cut, shown
from cxrlt_core.system.settings import Section


def explain(errors: Sequence[Mapping], content: Mapping) -> Iterator[str]:
    """Yield a line for each problem.

    A misspelt key is one problem, not two: the key that it should have been is not called missing.

    Args:
        errors: as ``ValidationError.errors()`` lists them.
        content: what was validated as :class:`Params`.
    """
    meant = {e["loc"]: _meant(e["loc"], content) for e in errors if e["type"] == "extra_forbidden"}
    misspelt = {(*place[:-1], key) for place, key in meant.items()}
    for error in errors:
        place = error["loc"]
        if error["type"] == "missing" and place in misspelt:
            continue
        match error["type"]:
            case "extra_forbidden":
                text = _unknown(place, meant[place], content)
            case "missing":
                text = f"missing key; write {_usual_line(place, content)}"
            case _:
                text = _message(error)
        yield f"{'.'.join(_key(part) for part in place if part != 'designs')}: {text}"


def explain_own(place: str, source: Source) -> Iterator[str]:
    """Yield a line for each wrong value of a key that the reader of a source alone has."""
    from cxrlt_core.sources import settings_of  # late: pandas, which most studies need not for it

    try:
        if source.own:
            settings_of(source.reader).model_validate(source.own)
    except ValidationError as error:
        for problem in error.errors():
            yield f"{place}.{'.'.join(map(_key, problem['loc']))}: {_message(problem)}"


def _key(part: str | int) -> str:
    """Return a key as it is, or as a literal if it would break the line."""
    text = str(part)
    return text if text.isprintable() and len(text) <= 80 else shown(text)


def _message(error: Mapping) -> str:
    message, value = error["msg"].removeprefix("Value error, "), error["input"]
    known = isinstance(value, dict | list) or error["type"] == "unknown_kind"
    said = cut(f"{message[:1].lower()}{message[1:]}", 300)
    return said if known else f"{said}, found {shown(value)}"


def _unknown(place: Sequence, meant: str | None, content: Mapping) -> str:
    """Say what could be there in place of a key that is not known."""
    if meant:
        return f"unknown key, did you mean {meant}?"
    section, given = _section_at(place[:-1], content)
    if issubclass(section, Source):
        own = own_keys(given.get("reader"))
        has = f"; of its own {given['reader']} has {', '.join(own) or 'none'}"
        return f"unknown key, expected {', '.join(_keys(section))}{has}"
    if section is not Variant:
        return f"unknown key, expected {', '.join(_keys(section)) or 'none: there is nothing to set'}"
    for changed in RECIPE:
        if place[-1] in Params.model_fields[changed].annotation.model_fields:
            return f"unknown key; a recipe changes it: recipes: {{<name>: {{{changed}: {{{place[-1]}: …}}}}}}"
    return f"unknown key, expected {', '.join(_keys(section))}, or a design: {', '.join(of_variants())}"


def _keys(section: type[Section]) -> list[str]:
    names = [name for name in section.model_fields if name not in ("designs", "own", BOXES)]
    return [*names, BOXES] if issubclass(section, Source) else names


def _meant(place: Sequence, content: Mapping) -> str | None:
    """Find the key that a misspelt one is close to, a missing one rather than one that is there."""
    section, given = _section_at(place[:-1], content)
    known = _keys(section) + (of_variants() if section in (Params, Variant) else [])
    known += own_keys(given.get("reader")) if issubclass(section, Source) else []
    missing = [name for name in known if name not in given]
    for names in (missing, known):
        if close := get_close_matches(str(place[-1]), names, n=1):
            return close[0]
    return None


def _usual_line(place: Sequence, content: Mapping) -> str:
    section, _ = _section_at(place[:-1], content)
    entry = {place[-1]: usual_value(section.model_fields[place[-1]])}
    return yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=10**6).strip()[1:-1]


def _section_at(place: Sequence, content: Any) -> tuple[type[Section], Mapping]:
    """Find the class of a section, and what the file says in its place."""
    kind: Any = Params
    for key in place:
        content = content[key]
        kind = _plain(kind.model_fields[key].annotation if _is_section(kind) else get_args(kind)[-1])
        if kind is Section:
            kind = find_design(key).Settings
        if kind is LossSettings and "kind" in content:
            kind = find_kind(content["kind"]).Settings
    return kind, content


def usual_value(field: FieldInfo) -> Any:
    """Return what a field usually holds: as it says itself, or else as the fields within it say."""
    return field.examples[0] if field.examples else _usual_of(field.annotation)


def _usual_of(annotation: Any) -> Any:
    kind = _plain(annotation)
    if _is_section(kind):
        required = {name: field for name, field in kind.model_fields.items() if field.is_required()}
        return {name: usual_value(field) for name, field in required.items()}
    item = _usual_of(get_args(kind)[-1])
    return [item] if get_origin(kind) is list else {"name": item}


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)
