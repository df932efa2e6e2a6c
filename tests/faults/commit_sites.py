"""Finds the places where the server commits, and the kill points around them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sheetport.kernel.killpoints import kill_point

#: How a transaction is ended, or begun so that leaving its block ends it.
COMMITS = re.compile(r"""["']COMMIT["']|\.(commit|transaction|begin|begin_transaction)\(""")
#: Commits here before the first request, when nobody can have been answered.
BEFORE_SERVING = "storage/migrations/"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def faults(root: Path) -> list[str]:
    """Commit sites of the Python files under ``root`` that lack a kill point before or after."""
    found = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(BEFORE_SERVING) and COMMITS.search(path.read_text()):
            found += [f"{name}: {fault}" for fault in _faults_in(ast.parse(path.read_text()))]
    return found


def points_used(root: Path) -> list[str]:
    """The names given to kill_point under ``root``, each as often as it is."""
    trees = [ast.parse(path.read_text()) for path in root.rglob("*.py")]
    return [name for tree in trees for _, name in _points(tree)]


def _faults_in(module: ast.Module) -> Iterator[str]:
    functions = [node for node in ast.walk(module) if isinstance(node, Function)]
    for function in functions:
        for first, last, inside in _sites(function):
            points = [line for line, _ in _points(function)]
            before = [line for line in points if (first < line <= last if inside else line < first)]
            after = any(line > last for line in points) or _followed(functions, function.name)
            if not before:
                yield f"line {first} in {function.name} commits without a kill point before"
            if not after:
                yield f"line {first} in {function.name} commits without a kill point after"


def _sites(function: Function) -> Iterator[tuple[int, int, bool]]:
    """(first line, last line, whether the work lies between them) of every commit of a function itself."""
    for node in ast.walk(function):
        if isinstance(node, ast.With | ast.AsyncWith):
            if any(COMMITS.search(ast.unparse(item.context_expr)) for item in node.items):
                yield node.lineno, node.end_lineno or node.lineno, True
        elif isinstance(node, ast.Expr) and COMMITS.search(ast.unparse(node)):
            yield node.lineno, node.end_lineno or node.lineno, False


def _followed(functions: list[Function], name: str) -> bool:
    """Whether every function that calls ``name`` has a kill point after the call."""
    calls = []
    for function in functions:
        lines = [
            node.lineno
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
        ]
        calls += [any(point > line for point, _ in _points(function)) for line in lines]
    return bool(calls) and all(calls)


def _points(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == kill_point.__name__:
            yield node.lineno, ast.literal_eval(node.args[0])
