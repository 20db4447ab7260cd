"""What Python source means, as a fingerprint."""

import ast
import hashlib


def meaning(source: str) -> str:
    """Return the fingerprint of Python source, blind to comments, docstrings and formatting.

    Fields that are empty say nothing, so that a Python version that adds one gives the same fingerprint.
    """
    return hashlib.sha256(_text(ast.parse(source)).encode()).hexdigest()[:16]


def _text(node: ast.AST | list | object) -> str:
    if isinstance(node, list):
        return ",".join(_text(child) for child in node if not _is_prose(child))
    if not isinstance(node, ast.AST):
        return "" if node is None else repr(node)
    fields = ((name, _text(value)) for name, value in ast.iter_fields(node))
    return f"{type(node).__name__}({';'.join(f'{name}={text}' for name, text in fields if text)})"


def _is_prose(node: object) -> bool:
    """Whether a statement is a string alone: a docstring, or a comment in its place."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
