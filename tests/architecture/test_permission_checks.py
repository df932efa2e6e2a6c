"""A permission that is required binds what follows: the narrowed caller takes the place of the caller."""

from __future__ import annotations

import ast

from architecture.sources import ROOT, python_files


def loose_checks(source: str, name: str) -> list[str]:
    """Calls of ``require`` whose result does not take its caller's name: what follows would reach too far."""
    tree = ast.parse(source)
    bound = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _rebinds(node.targets, node.value)
    }
    return [
        f"{name}:{node.lineno}: write actor = require(actor, …)"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _names(node.func) == "require" and id(node) not in bound
    ]


def _rebinds(targets: list[ast.expr], call: ast.Call) -> bool:
    return bool(call.args) and [_names(target) for target in targets] == [_names(call.args[0])]


def _names(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def test_no_check_of_a_permission_is_thrown_away() -> None:
    files = [path for path in python_files("src") if path.name != "permissions.py"]
    sources = {path: path.read_text() for path in files}
    assert sum("= require(actor, " in source for source in sources.values()) > 20
    assert [line for path, text in sources.items() for line in loose_checks(text, str(path.relative_to(ROOT)))] == []


def test_a_check_that_binds_nothing_is_found() -> None:
    assert loose_checks("actor = require(actor, P.X)", "x") == []
    for loose in ("require(actor, P.X)", "narrowed = require(actor, P.X)", "f(require(actor, P.X))"):
        assert loose_checks(loose, "x") == ["x:1: write actor = require(actor, …)"]
