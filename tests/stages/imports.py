"""Which of the repository's modules a module imports, directly or not, wherever the import stands."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def closure(entry: str) -> set[str]:
    """Return the files behind a module, itself included; a package counts if its __init__ has code."""
    found: set[str] = set()
    open_files = [entry]
    while open_files:
        file = open_files.pop()
        if file in found or not has_code(ROOT / file):
            continue
        found.add(file)
        tree = ast.parse((ROOT / file).read_text())
        open_files += [f for name in imported(tree) for f in files_of(name)]
    return found


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_of(name: str) -> list[str]:
    parts = name.split(".")
    if parts[0] not in ("cxrlt_core", "stages"):
        return []
    paths = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    candidates = [f"{p}{end}" for p in paths for end in ("/__init__.py", ".py")]
    return [c for c in candidates if (ROOT / c).exists()]


def has_code(path: Path) -> bool:
    body = ast.parse(path.read_text()).body
    return any(not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in body)
