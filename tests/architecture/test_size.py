"""Functions, modules and route handlers stay small enough to be read at once."""

from __future__ import annotations

import ast

from architecture.sources import ROOT, Function, docstring_length, functions, length, python_files

FUNCTION_LINES, MODULE_LINES, HANDLER_LINES = 60, 600, 15
ROUTE_DECORATORS = {"get", "post", "put", "patch", "delete", "head", "route", "websocket"}


def too_large(source: str, name: str) -> list[str]:
    """What exceeds the budget in one module."""
    found = []
    lines = source.count("\n") + (not source.endswith("\n"))
    if lines > MODULE_LINES:
        found.append(f"{name}: {lines} lines, at most {MODULE_LINES}")
    for function in functions(ast.parse(source)):
        limit = HANDLER_LINES if is_handler(function) else FUNCTION_LINES
        size = length(function) - (docstring_length(function) if is_handler(function) else 0)
        if size > limit:
            found.append(f"{name}:{function.lineno} {function.name}(): {size} lines, at most {limit}")
    return found


def is_handler(function: Function) -> bool:
    """True for a function under a bare Litestar route decorator, such as ``@get("/spaces")``."""
    calls = (node.func for node in function.decorator_list if isinstance(node, ast.Call))
    return any(isinstance(call, ast.Name) and call.id in ROUTE_DECORATORS for call in calls)


def test_everything_is_within_its_size() -> None:
    files = python_files("src", "tests", "benchmarks")
    assert len(files) > 10
    assert [line for file in files for line in too_large(file.read_text(), str(file.relative_to(ROOT)))] == []


def test_a_long_function_is_found() -> None:
    def sized(body: int) -> str:
        return "def f():\n" + "    x = 1\n" * body

    assert too_large(sized(FUNCTION_LINES - 1), "x") == []
    assert too_large(sized(FUNCTION_LINES), "x") == ["x:1 f(): 61 lines, at most 60"]


def test_a_long_handler_is_found_and_its_docstring_is_free() -> None:
    start = '@get("/x")\nasync def f():\n    """One.\n\n    Two.\n    """\n'
    assert too_large(start + "    x = 1\n" * 14, "x") == []
    assert too_large(start + "    x = 1\n" * 15, "x") == ["x:2 f(): 16 lines, at most 15"]


def test_a_long_module_is_found() -> None:
    assert too_large("x = 1\n" * MODULE_LINES, "x") == []
    assert too_large("x = 1\n" * (MODULE_LINES + 1), "x") == ["x: 601 lines, at most 600"]
