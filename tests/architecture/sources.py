"""The files of this project, and what Python's parser sees in them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNTRACKED = {".git", ".venv", "node_modules", "__pycache__", "dist", "sheetport-data"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def project_files() -> list[Path]:
    """The files that git tracks or would add; without git (an unpacked archive) every file outside UNTRACKED."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
        found = [ROOT / name for name in names.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not UNTRACKED.intersection(path.relative_to(ROOT).parts)]
    return sorted(path for path in found if path.is_file())


def python_files(*folders: str) -> list[Path]:
    """The project's Python files in these folders of the root."""
    wanted = tuple(ROOT / folder for folder in folders)
    return [path for path in project_files() if path.suffix == ".py" and any(path.is_relative_to(f) for f in wanted)]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method of a module, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from ``def`` to the end, decorators left out."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def docstring_length(function: Function) -> int:
    """Lines of the function's docstring, 0 without one."""
    first = function.body[0]
    if not (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    ):
        return 0
    assert first.end_lineno is not None
    return first.end_lineno - first.lineno + 1
