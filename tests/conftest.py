"""Fixtures for the whole suite. What a test needs and the machine lacks fails the test; nothing is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Browser, Page

from servers.browser import find_chromium, running_browser
from servers.commands import fork_commands
from servers.data_places import KINDS, DataPlace
from servers.node import install_packages, make_project, node_tools
from servers.postgres import DatabasePool, PostgresCluster, database_name, running_postgres
from servers.sheetport import SheetportServer
from sheetport.config import StorageSettings
from sheetport.storage.migrations.runner import upgrade

#: Fixtures that open a database.
MIGRATED = {"world", "db"}


def pytest_configure() -> None:
    """The tests' commands are forks, where that comes to the same."""
    fork_commands()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser tests of a file stay on one worker process, as they share a browser."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value is named by its length: test names are put into the environment, which has a limit."""
    return f"{argname}-of-{len(val)}" if isinstance(val, str | bytes) and len(val) > 100 else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresCluster]:
    """A PostgreSQL of this worker process, tuned for speed; ``new_database()`` gives a URL."""
    with running_postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def durable_postgres_server() -> Iterator[PostgresCluster]:
    """A PostgreSQL that syncs to disk as production does."""
    with running_postgres(durable=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def migrated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the newest schema and nothing in it, to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    upgrade(StorageSettings(folder, folder / "key"))
    return folder


@pytest.fixture(scope="session")
def migrated_databases(postgres_server: PostgresCluster) -> DatabasePool:
    """PostgreSQL databases with the newest schema and nothing in them."""
    url = postgres_server.new_database()
    upgrade(StorageSettings(Path("none"), Path("none"), url))
    return DatabasePool(postgres_server, database_name(url))


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_server: PostgresCluster) -> Iterator[str]:
    """The URL of a PostgreSQL database that no other test sees; see :func:`data_place`."""
    if _opens_one(request):
        pool: DatabasePool = request.getfixturevalue("migrated_databases")
        url = pool.take()
        yield url
        pool.give_back(url)
    else:
        url = postgres_server.new_database()
        yield url
        postgres_server.drop_database(url)


@pytest.fixture(params=KINDS)
def data_place(request: pytest.FixtureRequest, tmp_path: Path) -> DataPlace:
    """An empty place for data, once on SQLite and once on PostgreSQL.

    Tests that ask for an open database find the schema there, since copying it is faster than making it.
    """
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    if url is None and _opens_one(request):
        copytree(request.getfixturevalue("migrated_folder"), tmp_path / "data")
    return DataPlace(request.param, tmp_path / "data", url)


def _opens_one(request: pytest.FixtureRequest) -> bool:
    return not MIGRATED.isdisjoint(request.fixturenames)


@pytest.fixture
def sqlite_place(tmp_path: Path) -> DataPlace:
    """An empty place for data on SQLite."""
    return DataPlace("sqlite", tmp_path / "data", None)


@pytest.fixture
def database_url(data_place: DataPlace) -> str:
    """A fresh database on each engine: the path of an absent data directory, or a ``postgresql://`` URL."""
    return data_place.url or str(data_place.data)


ServerFactory = Callable[..., SheetportServer]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerFactory]:
    """``server(place=None, *arguments, env=None)``: ``sheetport init`` and ``serve`` as a user runs them.

    Without a place it is SQLite in this test's folder. Further arguments go to ``serve``; ``executed=True`` keeps it
    from being forked from a template. At the end every server still running is stopped by SIGTERM and has to exit 0
    within 10 seconds.
    """
    with ExitStack() as stack:
        made: list[SheetportServer] = []

        def make(
            place: DataPlace | None = None,
            *arguments: str,
            env: Mapping[str, str] | None = None,
            executed: bool = False,
        ) -> SheetportServer:
            place = place or DataPlace("sqlite", tmp_path / f"server-{len(made)}" / "data", None)
            place.data.parent.mkdir(parents=True, exist_ok=True)
            one = SheetportServer(place, arguments, env, executed=executed)
            made.append(one)
            stack.callback(one.stop)
            one.start()
            return one

        yield make


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js 18 or later."""
    return node_tools().node


@pytest.fixture(scope="session")
def npm_home() -> Callable[[str], Path]:
    """``npm_home(name)``: the folder whose node_modules holds the packages of ``tests/clients/npm/NAME``."""
    return install_packages


@pytest.fixture
def node_project(tmp_path: Path) -> Callable[[str], Path]:
    """``node_project(name)``: a fresh project folder that sees those packages, also from ES modules in it."""
    return lambda name: make_project(install_packages(name), tmp_path / f"project-{name}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return find_chromium()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for a module: Playwright keeps an event loop running, which async tests elsewhere do not bear."""
    with running_browser(chromium) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with cookies and storage of its own; a script error on it fails the test."""
    errors: list[str] = []
    with browser.new_context() as context:
        tab = context.new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        yield tab
    assert errors == [], f"script errors on the page: {errors}"
