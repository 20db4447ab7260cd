"""What params.yaml says in short, said in full: designs in their place, recipes, readers, names, labels.

What is not of the form that is expected stays, and is refused when it is validated.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxrlt_core.designs import find_design, methods, of_variants
from cxrlt_core.label_space import read_label_space
from cxrlt_core.params.schema import External, Source
from cxrlt_core.system.errors import StudyError, shown
from cxrlt_core.system.files import file_hash

RECIPE = ("train", "image", "query")  # sections that a recipe changes
BOXES = "boxes"  # key of a source


def gather(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of params.yaml with every design under ``designs``, and what is named in its place.

    StudyError: no such label space, list of what an encoder has seen, or file of boxes.
    """
    known = of_variants()
    shared = {name: content[name] for name in known if name in content}
    rest = {key: value for key, value in content.items() if key not in shared}
    if isinstance(variants := content.get("variants"), dict):
        rest["variants"] = {name: _variant(variant, shared, known) for name, variant in variants.items()}
    if isinstance(recipes := content.get("recipes"), dict):
        rest["recipes"] = {name: _recipe(recipe, content) for name, recipe in recipes.items()}
    if isinstance(encoders := content.get("image_encoders"), dict):
        whole = {name: entry for name, entry in encoders.items() if isinstance(entry, dict)}
        without = {name: {k: v for k, v in entry.items() if k != "seen"} for name, entry in whole.items()}
        rest["image_encoders"] = {**encoders, **without}
        lists = {name: entry["seen"] for name, entry in whole.items() if entry.get("seen")}
        rest["seen"] = {
            name: _by_content(f"image_encoders.{name}.seen", file) for name, file in lists.items()
        }
    if isinstance(rows := content.get("table2"), list):
        rest["table2"] = [_row(row) for row in rows]
    if isinstance(evidence := content.get("evidence"), dict) and "margin" not in evidence:
        named = {"negligible": "margin"}  # its former name
        rest["evidence"] = {named.get(key, key): value for key, value in evidence.items()}
    if isinstance(data := content.get("data"), dict):
        rest["data"] = {**_data(data), BOXES: _boxes(data)}
        if isinstance(name := data.get("label_space"), str):
            rest["label_space"] = read_label_space(name).model_dump()
    return {**rest, "designs": shared}


def _by_content(key: str, file: Any) -> dict[str, str]:
    """Return a CSV file that a key names, with its content: it may be a file of any place."""
    if not isinstance(file, str):
        raise StudyError(f"{key}: expected a CSV file, found {shown(file)}")
    if not Path(file).is_file():
        raise StudyError(f"{key}: {file}: no such file")
    return {"file": file, "sha256": file_hash(file)}


def _entries(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the sections of sources and of external sets, those that are there."""
    return {key: data[key] for key in ("sources", "external") if isinstance(data.get(key), dict)}


def _data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` with every source, and every external set, in full."""
    whole = {key: {n: full_source(n, e) for n, e in each.items()} for key, each in _entries(data).items()}
    return {**data, **whole}


def _boxes(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the files of boxes that sources and external sets name, one or a list of them each."""
    found = {}
    for section, entries in _entries(data).items():
        for name, entry in entries.items():
            if isinstance(entry, dict) and entry.get(BOXES):
                files = entry[BOXES] if isinstance(entry[BOXES], list) else [entry[BOXES]]
                found[name] = [_by_content(f"data.{section}.{name}.{BOXES}", file) for file in files]
    return found


def full_source(name: str, entry: Any) -> Any:
    """Return a source with its reader, the one of its name if none is stated, and the reader's own keys.

    Its boxes are left out: they are in a place of their own, since no label depends on them.
    """
    if not isinstance(entry, dict):
        return entry
    reader = entry.get("reader", name)
    shared = {*Source.model_fields, *External.model_fields}
    own = {key: entry[key] for key in entry if key not in shared and key in own_keys(reader)}
    rest = {key: value for key, value in entry.items() if key not in own and key != BOXES}
    return {"reader": reader, **rest, **({"own": own} if own else {})}


def own_keys(reader: Any) -> list[str]:
    """Return the keys that a reader alone has; none if there is no such reader."""
    from cxrlt_core.sources import readers, settings_of  # late: pandas, which most studies need not for it

    return list(settings_of(reader).model_fields) if reader in readers() else []


def _row(row: Any) -> Any:
    """Return a row of Table 2 with its name: stated, or else its method, and whether it is replenished."""
    if not isinstance(row, dict):
        return row
    method = row.get("method") if row.get("method") in methods() else "ensemble"
    return {"name": f"{method}_replenished" if row.get("replenished") else method, **row}


def _variant(variant: Any, shared: Mapping[str, Any], known: list[str]) -> Any:
    if not isinstance(variant, dict):
        return variant
    named = {name: entry for name, entry in variant.items() if name in known}
    rest = {key: value for key, value in variant.items() if key not in named}
    designs = {
        name: _settings(name, entry, shared.get(name))
        for name, entry in named.items()
        if entry is not None and entry is not False
    }
    return {**rest, "designs": designs}


def _settings(name: str, entry: Any, shared: Any) -> Any:
    """Return the settings of a design: those stated for all variants, and the variant's own, which win.

    ``true`` has none of its own; the value of a sole setting may stand for it.
    """
    fields = list(find_design(name).Settings.model_fields)
    if entry is True:
        entry = {}
    elif not isinstance(entry, dict) and len(fields) == 1:
        entry = {fields[0]: entry}
    return {**shared, **entry} if isinstance(shared, dict) and isinstance(entry, dict) else entry


def _recipe(recipe: Any, content: Mapping[str, Any]) -> Any:
    if not isinstance(recipe, dict):
        return recipe
    changed = {name: _merged(content.get(name), recipe.get(name, {})) for name in RECIPE}
    train = recipe.get("train")
    length = [key for key in ("epochs", "steps") if isinstance(train, dict) and key in train]
    if len(length) == 1 and isinstance(changed["train"], dict):
        changed["train"] |= {key: None for key in ("epochs", "steps") if key not in length}
    return {**recipe, **changed}


def _merged(section: Any, changes: Any) -> Any:
    """Return a section of params.yaml with changes, sections within it likewise."""
    if not isinstance(section, dict) or not isinstance(changes, dict):
        return changes
    both = {key: _merged(section[key], changes[key]) for key in changes if key in section}
    return {**section, **changes, **both}
