"""The rooms and the pipeline as pictures: the blocks of docs/architecture.md.

Usage: python -m tests.architecture   (writes the page's pictures anew)
"""

import ast
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from itertools import product
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/architecture.md"

PACKAGES = ("cxrlt", "cxrlt_core", "stages", "tools")

#: What every room may import; the pictures leave it out.
GROUND = {"labels", "people", "system"}

#: Which rooms a room may import, besides the ground. Nothing imports against an arrow, or across.
ARROWS: dict[str, set[str]] = {
    "labels": set(),
    "people": set(),
    "system": set(),
    "losses": set(),
    "packing": set(),
    "metrics": set(),
    "pretrained": set(),
    "batches": set(),
    "designs": {"batches", "losses", "pretrained"},
    "params": {"batches", "designs", "losses"},
    "label_space": {"params"},
    "sources": {"label_space", "params"},
    "boxes": {"label_space", "packing", "params", "sources"},
    "study": {"designs", "label_space", "losses", "params", "sources"},
    "splits": {"params"},
    "model": {"batches", "designs", "params", "pretrained"},
    "training": {"batches", "designs", "losses", "params"},
    "prediction": {"batches", "designs", "model"},
    "evidence": {"designs", "metrics", "params"},
    "results": {"evidence", "params"},
    "figures": {"evidence", "metrics", "results"},
    "reporting": {
        *("designs", "evidence", "figures", "metrics", "params", "prediction", "pretrained", "results"),
        "study",
    },
    "demo": {"params"},
    "serving": {"batches", "designs", "label_space", "metrics", "model", "packing", "prediction"},
    "artifacts": {
        *("batches", "boxes", "demo", "designs", "evidence", "figures", "metrics", "model", "packing"),
        *("params", "prediction", "reporting", "results", "serving", "sources", "splits", "study"),
        "training",
    },
    "cxrlt": {
        *("designs", "evidence", "metrics", "model", "packing", "params", "prediction", "reporting"),
        *("serving", "sources"),
    },
    "stages": {
        *("artifacts", "batches", "boxes", "demo", "designs", "evidence", "figures", "label_space", "losses"),
        *("metrics", "model"),
        *("packing", "params", "prediction", "pretrained", "reporting", "results", "sources", "splits"),
        *("study", "training"),
    },
    "tools": {
        "artifacts",
        "batches",
        "designs",
        "losses",
        "metrics",
        "model",
        "packing",
        "params",
        "prediction",
        "pretrained",
        "reporting",
        "sources",
        "splits",
        "study",
        "training",
    },
}


def room_of(module: str) -> str:
    """The room of a module: ``cxrlt_core.model.classifier`` stands in ``model``."""
    package, *rest = module.split(".")
    if package in ("cxrlt", "tools"):
        return package
    if package == "stages":
        return "artifacts" if rest[:1] == ["artifacts"] else "stages"
    return rest[0] if rest else ""


def imports() -> Iterator[tuple[str, str, str]]:
    """Yield a module's file, its room and a room that it imports."""
    for path in sorted(path for package in PACKAGES for path in ROOT.glob(f"{package}/**/*.py")):
        file = path.relative_to(ROOT)
        room = room_of(".".join(file.with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in names:
                if name.split(".")[0] in PACKAGES and room_of(name) not in (room, ""):
                    yield file.as_posix(), room, room_of(name)


def rooms_picture() -> str:
    """The arrows between rooms, the ground left out."""
    lines = [
        f"  {room} --> {' & '.join(sorted(ARROWS[room]))}"
        for room in reversed(ARROWS)
        if ARROWS[room] and room != "stages"
    ]
    return "\n".join(["flowchart TD", "  stages --> everything[every room]", *lines])


def pipeline() -> dict[str, dict]:
    """The stages of dvc.yaml, those of a foreach once."""
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return {name: stage.get("do", stage) for name, stage in content.items()}


def paths(entries: Iterable) -> list[str]:
    """Paths of deps or outs in the repository; a template such as ${key} stands for any name."""
    plain = (next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries)
    return ["data/raw/*/labels" if p == "${item.labels}" else re.sub(r"\$\{[^}]*\}", "*", p) for p in plain]


def outs(stage: dict) -> list[str]:
    """Everything that a stage makes."""
    return paths([*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])])


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies in it, for some value of the templates in either."""
    parts, outer = path.split("/"), folder.split("/")
    return len(parts) >= len(outer) and all(
        fnmatch(part, mask) or fnmatch(mask, part) for part, mask in zip(parts, outer, strict=False)
    )


def needs(stage: str) -> list[str]:
    """The stages whose outs a stage depends on."""
    graph = pipeline()
    pairs = {name: product(outs(maker), paths(graph[stage]["deps"])) for name, maker in graph.items()}
    return [name for name, places in pairs.items() if any(within(a, b) or within(b, a) for a, b in places)]


def pipeline_picture() -> str:
    """The stages and what they need; all of them need ``code`` and ``settings``, which are left out."""
    lines = []
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        each = re.search(r"\$\{(.*)\}", stage.get("foreach", ""))
        lines += [f'  {name}["{name}<br>one per {each.group(1)}"]'] if each else [f"  {name}"]
        before = [need for need in needs(name) if need not in ("code", "settings", name)]
        lines += [f"  {' & '.join(before)} --> {name}"] if before else []
    return "\n".join(["flowchart TD", *lines])


def block(picture: str) -> str:
    """A picture as markdown holds it."""
    return f"```mermaid\n{picture}\n```"


if __name__ == "__main__":
    pictures = iter((block(rooms_picture()), block(pipeline_picture())))
    text = re.sub(r"```mermaid\n.*?```", lambda _: next(pictures), PAGE.read_text(), flags=re.S)
    PAGE.write_text(text)
