"""Import rules that import-linter's contracts (.importlinter) cannot say. Each returns what breaks it, as text."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter

import grimp

from architecture.sources import functions

#: Which of our modules may import a library directly; every other one may not.
HOME_OF = {
    "litestar": r"\.features\.\w+\.api(\.|$)|\.http(\.|$)|\.bootstrap(\.|$)|\.web(\.|$)",
    "sqlalchemy": r"\.features\.\w+\.store(\.|$)|\.web\.store(\.|$)|\.storage(\.|$)",
    "alembic": r"\.storage(\.|$)",
    "asyncpg": r"\.storage(\.|$)",
    "sqlite3": r"\.storage(\.|$)",
}
#: What connects to others, and what it is called by; all of it but the guarded client stays out of the server.
CLIENTS = {"aiohttp", "boto3", "ftplib", "http.client", "httpcore", "httpx", "hvac", "requests", "socket"}
CLIENTS |= {"urllib.request", "urllib3"}
CONNECTING = {"create_connection", "create_datagram_endpoint", "open_connection", "sock_connect", "urlopen"}
#: The modules that may, each with its reason.
CLIENTS_AT_HOME = {
    "features/egress/service/calling.py": "the guarded client",
    "features/egress/service/keeping.py": "the guarded client with kept connections",
    "listener/": "a client of the server, in a program of its own",
    "cli/": "clients of the server, run by a person",
    "runtime/agent_host/gate.py": "the guarded way out of hosted agents, by the same rules",
    "runtime/agent_host/launching.py": "a socket pair with a process of its own",
    "runtime/agent_host/open_gate.py": "the same where there are no network namespaces",
    "runtime/agent_host/process.py": "only names the type",
    "runtime/agent_host/self_test.py": "listens, for a jailed program to be unable to connect there",
    "runtime/agent_jail/": "makes sockets in agents' network namespaces, for the gate to listen on",
    "testing/": "a client of the server it started itself, in somebody's tests",
    "runtime/notify.py": "systemd's local socket",
    "runtime/presence.py": "the name of this machine",
    "runtime/server.py": "asks this very process whether it answers",
    "runtime/sockets.py": "listens",
    "storage/key_providers/": "asks the key service that whoever runs the server has named; no tenant can",
}
#: The modules of a slice that other slices may know.
SHARED = ("service", "model")


def imports_in_functions(source: str, name: str) -> list[str]:
    """Import statements inside functions, which hide a dependency from readers and from start-up."""
    found = []
    for function in functions(ast.parse(source)):
        found += [
            f"{name}:{node.lineno} imports inside {function.name}()"
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
    return sorted(set(found))


def unguarded_clients(source: str, path: str) -> list[str]:
    """Places of a module, by its path in the package, that connect to others without being at home there."""
    if path.startswith(tuple(CLIENTS_AT_HOME)):
        return []
    found = []
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute) and node.attr in CONNECTING:
            names = [node.attr]
        wanted = CLIENTS | CONNECTING
        found += [f"{path}:{node.lineno} {name}" for name in names if wanted & {name, name.partition(".")[0]}]
    return found


def foreign_slice_imports(graph: grimp.ImportGraph, root: str) -> list[str]:
    """Imports from one slice into another's modules other than ``service`` and ``model``; wire shapes may
    hold wire shapes, so ``schemas`` and ``api`` may also import another slice's ``schemas``."""
    found = []
    for importer, imported in internal_imports(graph, root):
        one, other = _in_slice(importer, root), _in_slice(imported, root)
        if not one or not other or one[0] == other[0] or other[1] in SHARED:
            continue
        if not (other[1] == "schemas" and one[1] in {"schemas", "api"}):
            found.append(f"{importer} imports {imported}: only service and model of another slice")
    return found


def misplaced_libraries(graph: grimp.ImportGraph, root: str) -> list[str]:
    """Modules that import a library of HOME_OF without being one of its homes."""
    return [
        f"{importer} imports {library}"
        for library, home in HOME_OF.items()
        if library in graph.modules
        for importer in sorted(graph.find_modules_that_directly_import(library))
        if not re.match(re.escape(root) + f"(?:{home})", importer)
    ]


def cycle(graph: grimp.ImportGraph, root: str) -> list[str]:
    """One cycle of modules that import each other, empty when there is none."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for importer, imported in internal_imports(graph, root):
        sorter.add(importer, imported)
    try:
        sorter.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def internal_imports(graph: grimp.ImportGraph, root: str) -> list[tuple[str, str]]:
    """Every (importer, imported) between modules of ours."""
    ours = sorted(name for name in graph.modules if name == root or name.startswith(f"{root}."))
    return [
        (importer, imported)
        for importer in ours
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if imported == root or imported.startswith(f"{root}.")
    ]


def _in_slice(module: str, root: str) -> tuple[str, str] | None:
    """(slice, its module's first name) of ``root.features.SLICE.MODULE``; the name is empty for the package itself."""
    prefix = f"{root}.features."
    if not module.startswith(prefix):
        return None
    name, _, rest = module.removeprefix(prefix).partition(".")
    return name, rest.partition(".")[0]
