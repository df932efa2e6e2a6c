"""The parts of the product know each other in one direction only; a seeded fault shows that each rule bites."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from architecture.import_rules import (
    HOME_OF,
    cycle,
    foreign_slice_imports,
    imports_in_functions,
    misplaced_libraries,
    unguarded_clients,
)
from architecture.sources import ROOT, python_files

LINT_IMPORTS = str(Path(sys.executable).parent / "lint-imports")
#: A small product in which every rule holds.
SAMPLE = {
    "__init__.py": "",
    "config.py": "import sample.kernel",
    "kernel/__init__.py": "",
    "kernel/errors.py": "",
    "storage/__init__.py": "import sqlalchemy, sample.config",
    "http/__init__.py": "import litestar, sample.storage",
    "features/__init__.py": "",
    "features/records/__init__.py": "",
    "features/records/service.py": "import sample.features.places.service",
    "features/records/api.py": "import litestar, sample.features.records.service",
    "features/places/__init__.py": "",
    "features/places/service.py": "import sample.features.places.store",
    "features/places/store.py": "import sqlalchemy, sample.storage",
    "listener/__init__.py": "import json",
    "cli/__init__.py": "import sample.listener, sample.features.records.service",
}


@pytest.fixture(scope="module")
def product() -> grimp.ImportGraph:
    return grimp.build_graph("sheetport", include_external_packages=True, cache_dir=None)


def test_contracts_of_import_linter_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


def test_slices_know_only_service_and_model_of_other_slices(product: grimp.ImportGraph) -> None:
    assert foreign_slice_imports(product, "sheetport") == []


def test_libraries_stay_in_their_places(product: grimp.ImportGraph) -> None:
    assert misplaced_libraries(product, "sheetport") == []


def test_only_the_guarded_client_calls_others() -> None:
    package = ROOT / "src" / "sheetport"
    files = {str(path.relative_to(package)): path.read_text() for path in python_files("src")}
    assert [place for path, source in files.items() for place in unguarded_clients(source, path)] == []
    assert "httpx" in files["features/egress/service/calling.py"]


@pytest.mark.parametrize(
    "line",
    [
        *("import httpx", "from httpx import AsyncClient", "import urllib.request", "from urllib import request"),
        *("from urllib.request import urlopen", "import http.client", "from http import client", "import socket"),
        *("import requests.sessions", "x = asyncio.open_connection", "loop.sock_connect(s, a)"),
    ],
)
def test_an_unguarded_client_is_found(line: str) -> None:
    assert len(unguarded_clients(line, "features/auth/service/federation.py")) >= 1
    assert unguarded_clients(line, "cli/login.py") == []


def test_nothing_imports_in_a_circle(product: grimp.ImportGraph) -> None:
    assert cycle(product, "sheetport") == []


def test_no_import_hides_in_a_function() -> None:
    files = python_files("src", "tests", "benchmarks")
    found = [line for file in files for line in imports_in_functions(file.read_text(), str(file.relative_to(ROOT)))]
    assert found == []


def test_an_import_in_a_function_is_found() -> None:
    assert imports_in_functions("def f():\n    import os\n", "x.py") == ["x.py:2 imports inside f()"]


@pytest.mark.parametrize(
    ("file", "line", "part"),
    [
        ("kernel/errors.py", "import sheetport.storage", "The parts"),
        ("helpers.py", "", "helpers"),
        ("features/places/service.py", "import sheetport.features.records.service", "The slices"),
        ("features/banana/__init__.py", "", "banana"),
        ("features/records/service.py", "import sheetport.features.records.api", "Inside a slice"),
        ("features/records/utils.py", "", "utils"),
        ("listener/__init__.py", "import sheetport.kernel", "The Python listener SDK"),
    ],
)
def test_import_linter_catches(tmp_path: Path, file: str, line: str, part: str) -> None:
    write_sample(tmp_path, "sheetport")
    assert lint_imports(tmp_path).returncode == 0, "the sample itself keeps the rules"
    add_line(tmp_path / "sheetport" / file, line)
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout
    assert part in done.stdout.split("Broken contracts")[-1]


@pytest.mark.parametrize(
    ("rule", "file", "line", "said"),
    [
        (
            foreign_slice_imports,
            "features/records/service.py",
            "import {}.features.places.store",
            "features.places.store",
        ),
        (misplaced_libraries, "features/records/service.py", "import litestar", "imports litestar"),
        (misplaced_libraries, "features/records/api.py", "import sqlalchemy", "imports sqlalchemy"),
        (cycle, "kernel/errors.py", "import {}.storage\nimport {}.config", "config"),
    ],
)
def test_our_own_rules_catch(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    rule,
    file: str,
    line: str,
    said: str,
) -> None:
    name = f"sample_{abs(hash(request.node.name))}"
    monkeypatch.syspath_prepend(tmp_path)
    package = write_sample(tmp_path, name)
    add_line(package / file, line.replace("{}", name))
    if rule is cycle:
        add_line(package / "kernel" / "__init__.py", f"import {name}.kernel.errors")
    graph = grimp.build_graph(name, include_external_packages=True, cache_dir=None)
    assert any(said in found for found in rule(graph, name))


def test_our_own_rules_pass_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    write_sample(tmp_path, "sample_clean")
    graph = grimp.build_graph("sample_clean", include_external_packages=True, cache_dir=None)
    assert [rule(graph, "sample_clean") for rule in (foreign_slice_imports, misplaced_libraries, cycle)] == [[], [], []]
    assert {"litestar", "sqlalchemy"} <= graph.modules & HOME_OF.keys(), "external libraries are in the graph"


def write_sample(folder: Path, name: str) -> Path:
    """SAMPLE as the package ``name`` in ``folder``, beside the project's contracts."""
    for file, text in SAMPLE.items():
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("sample", name) + "\n")
    shutil.copy(ROOT / ".importlinter", folder / ".importlinter")
    return folder / name


def add_line(path: Path, line: str) -> None:
    """Appends a line to a file, which is made when absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        handle.write(line + "\n")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter with the contracts in ``folder``, on the package in it when there is one."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [LINT_IMPORTS, "--no-cache", "--no-logo", "--config", str(folder / ".importlinter")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
