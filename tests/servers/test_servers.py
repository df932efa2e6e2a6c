"""The fixtures themselves: each starts the real thing or fails with the fix."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from servers import node as node_module
from servers.data_places import DataPlace
from servers.postgres import DatabasePool, PostgresCluster, database_name


def test_postgres_databases_are_fresh_and_apart(postgres_server: PostgresCluster) -> None:
    one, two = postgres_server.new_database(), postgres_server.new_database()
    name = database_name(one)
    postgres_server.sql("CREATE TABLE t (n int)", name)
    copy = postgres_server.new_database(template=name)
    tables = "SELECT count(*) FROM pg_tables WHERE tablename = 't'"
    seen = [postgres_server.sql(tables, database_name(url)) for url in (one, two, copy)]
    assert seen == ["1", "0", "1"]
    for url in (one, two, copy):
        postgres_server.drop_database(url)
    left = postgres_server.sql("SELECT datname FROM pg_database").split()
    assert not {database_name(url) for url in (one, two, copy)}.intersection(left)


def test_a_pooled_database_comes_back_empty_or_not_at_all(postgres_server: PostgresCluster) -> None:
    template = database_name(postgres_server.new_database())
    postgres_server.sql("CREATE TABLE audit_records (n serial); CREATE TABLE t (n serial, s text)", template)
    postgres_server.sql("CREATE TABLE schema_info (s text); INSERT INTO schema_info VALUES ('first')", template)
    pool = DatabasePool(postgres_server, template)

    def used(statement: str) -> tuple[str, str, list[str]]:
        """A database's URL, that of the next test, and what that one finds."""
        url = pool.take()
        postgres_server.sql(
            "INSERT INTO t (s) VALUES ('x'); INSERT INTO audit_records DEFAULT VALUES", database_name(url)
        )
        postgres_server.sql(statement, database_name(url))
        pool.give_back(url)
        again = pool.take()
        found = postgres_server.sql(
            "INSERT INTO t (s) VALUES ('x') RETURNING n; SELECT count(*) FROM audit_records; SELECT s FROM schema_info",
            database_name(again),
        )
        pool.give_back(again)
        return url, again, found.splitlines()

    for statement, comes_back in (
        ("SELECT 1", True),
        ("ALTER TABLE t ADD more text", False),
        ("DROP TABLE t; CREATE TABLE t (n serial, s text)", False),
        ("UPDATE schema_info SET s = 'second'", False),
        ("INSERT INTO t (s) SELECT repeat(md5(n::text), 200) FROM generate_series(1, 60000) n", False),
    ):
        url, again, found = used(statement)
        assert (found, url == again) == (["1", "0", "first"], comes_back), statement


def test_a_failing_statement_fails_the_test(postgres_server: PostgresCluster) -> None:
    with pytest.raises(AssertionError, match="does not exist"):
        postgres_server.sql("SELECT 1 FROM nowhere")


def test_postgres_syncs_only_where_asked(
    postgres_server: PostgresCluster, durable_postgres_server: PostgresCluster
) -> None:
    assert postgres_server.sql("SHOW fsync") == "off"
    assert durable_postgres_server.sql("SHOW fsync") == "on"


def test_a_place_comes_on_both_engines(data_place: DataPlace, database_url: str) -> None:
    assert not data_place.data.exists()
    if data_place.kind == "sqlite":
        assert (data_place.arguments, database_url) == ([], str(data_place.data))
    else:
        assert database_url.startswith("postgresql://")
        assert data_place.arguments == ["--database-url", database_url]


def test_npm_packages_come_from_the_lock(node: str, node_project: Callable[[str], Path]) -> None:
    project = node_project("api-1.23.0")
    script = project / "which.mjs"
    script.write_text(
        'import { createRequire } from "node:module";\n'
        'console.log(createRequire(import.meta.url)("@flatfile/api/package.json").version);\n'
    )
    done = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "1.23.0", done.stderr


def test_every_lock_names_no_registry() -> None:
    locks = sorted(node_module.PACKAGES.glob("*/package-lock.json"))
    assert {lock.parent.name for lock in locks} >= {"api-1.23.0", "api-1.23.1", "pubsub-1.23.0", "cli", "bundle"}
    assert [str(lock) for lock in locks if '"resolved"' in lock.read_text()] == []


def test_missing_node_fails_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(node_module.sys, "executable", "/nonexistent/python")
    with pytest.raises(RuntimeError, match=r"run \./test"):
        node_module.node_tools.__wrapped__()


def test_browser_runs_scripts(page: Page) -> None:
    page.set_content("<p id=a></p><script>document.getElementById('a').textContent = 6 * 7</script>")
    assert page.inner_text("#a") == "42"
