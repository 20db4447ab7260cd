"""Label spaces, a YAML file each: of challenges and data sets by name, in label_spaces/; own ones by path."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cxrlt_core.params.label_space import LabelSpace, Related
from cxrlt_core.system.errors import StudyError, cut, meant
from cxrlt_core.system.yaml_file import read_yaml

FOLDER = Path(__file__).with_name("label_spaces")
#: What a file may leave out.
_NOTHING: dict[str, Any] = {
    **{key: {} for key in ("aliases", "normal", "groups", "relations")},
    **{"unseen": [], "counts": None},
}


def label_spaces() -> list[str]:
    """Return the names of the label spaces that are here."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_label_space(name: str) -> LabelSpace:
    """Return a label space by its name, or by the path of its file, which ends in ``.yaml``.

    StudyError: no such name or file, or one of another form, with a line a problem.
    """
    known = label_spaces()
    if name in known:
        return _known(name)
    if not name.endswith((".yaml", ".yml")):
        expected = f"{', '.join(known)} or a file such as data/local/mine.yaml"
        raise StudyError(f"data.label_space: no label space {name!r}, expected {expected}")
    if not Path(name).is_file():
        raise StudyError(f"data.label_space: {name}: no such file")
    return _read(Path(name), name)


def with_near(space: LabelSpace) -> LabelSpace:
    """Return a label space whose classes take the labels of what is near them where a source has no same.

    For sets that are scored and not trained on, where such classes are told apart.
    """

    def taking(related: Related) -> Related:
        use = related.get("use", [])
        if "near" not in related or "exact" in related or "near" in use:
            return related
        return {**related, "use": [*use, "near"]}

    relations = {
        of: {label: taking(related) for label, related in classes.items()}
        for of, classes in space.relations.items()
    }
    return space.model_copy(update={"relations": relations})


@cache
def _known(name: str) -> LabelSpace:
    """Return one that is here; they are part of the library, and do not change while it runs."""
    return _read(FOLDER / f"{name}.yaml", name)


def _read(path: Path, name: str) -> LabelSpace:
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise StudyError(f"{path}: expected a mapping with classes, found {type(content).__name__}")
    try:
        return LabelSpace.model_validate({"title": name, **_NOTHING, **content, "name": name})
    except ValidationError as error:
        raise StudyError("\n".join(f"{path}: {_line(problem)}" for problem in error.errors())) from None


def _line(problem: Any) -> str:
    """Say in a line what is wrong in which key; a problem of the whole names its key itself."""
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"missing key {place}"
    if problem["type"] == "extra_forbidden":
        known = [key for key in LabelSpace.model_fields if key != "name"]
        return f"unknown key {place}{meant(place, known) or ', expected ' + ', '.join(known)}"
    said = problem["msg"].removeprefix("Value error, ")
    return cut(f"{place}: {said}" if place else said, 300)
