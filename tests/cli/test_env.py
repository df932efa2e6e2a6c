"""``sheetport env``: what it prints is what programs under ``run`` get, for shells and for readers of .env files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cli.conftest import Shell
from sheetport.cli.dotenv import dotenv_text, read_dotenv
from sheetport.cli.errors import CommandError

#: What stands in values: every kind of quote, what shells expand, line breaks, other alphabets.
VALUES = {
    "PLAIN": "https://example.com/a?b=1",
    "EMPTY": "",
    "SPACES": "  two words  ",
    "DOLLAR": "a$HOME `id` \\n",
    "SINGLE": "it's",
    "DOUBLE": 'say "so"',
    "BOTH": 'it\'s $5 "now"',
    "LINES": "-----BEGIN\nline two\n",
    "LETTERS": "Grüße, 世界",
    "HASH": "a #b",
}
SIMPLE = ("PLAIN", "EMPTY", "SPACES", "SINGLE", "DOUBLE", "LINES", "LETTERS", "HASH")


def sourced(path: Path, names: list[str]) -> dict[str, str]:
    """The variables as a shell has them after reading the file."""
    script = f'set -a; . "{path}"; exec env -0'
    done = subprocess.run(["sh", "-c", script], capture_output=True, timeout=20, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    found = dict(item.split("=", 1) for item in done.stdout.decode().split("\0") if item)
    return {name: found[name] for name in names}


def test_a_shell_reads_back_every_value(tmp_path: Path) -> None:
    path = tmp_path / "all.env"
    path.write_text(dotenv_text(VALUES))
    assert sourced(path, list(VALUES)) == VALUES


def test_readers_of_env_files_read_back_what_they_can(tmp_path: Path) -> None:
    simple = {name: VALUES[name] for name in SIMPLE}
    path = tmp_path / "simple.env"
    path.write_text(dotenv_text(simple))
    assert read_dotenv(path) == simple


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        read_dotenv(tmp_path / "none.env")
    (tmp_path / "binary.env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match=r"binary\.env cannot be read"):
        read_dotenv(tmp_path / "binary.env")


def test_env_prints_what_run_gives(shell: Shell, tmp_path: Path) -> None:
    hard = "a $b 'c' \"d\"\nnext"
    shell.printed("env", "set", "ENV_TEST_HARD", stdin=hard)
    file = tmp_path / "printed.env"
    file.write_text(shell.printed("env"))
    names = ["FLATFILE_API_KEY", "FLATFILE_BEARER_TOKEN", "FLATFILE_ENVIRONMENT_ID", "FLATFILE_API_URL"]
    read = sourced(file, [*names, "AGENT_INTERNAL_URL", "NODE_OPTIONS", "ENV_TEST_HARD"])
    assert read["ENV_TEST_HARD"] == hard
    assert read["FLATFILE_BEARER_TOKEN"] == read["FLATFILE_API_KEY"]
    assert read["FLATFILE_ENVIRONMENT_ID"] == shell.server.development["id"]
    assert {read["FLATFILE_API_URL"], read["AGENT_INTERNAL_URL"]} == {shell.server.url}
    assert read["NODE_OPTIONS"] == shell.variable("NODE_OPTIONS")
    shell.printed("env", "unset", "ENV_TEST_HARD")


def test_a_key_made_for_the_output_outlives_the_command_and_says_so(shell: Shell, tmp_path: Path) -> None:
    printed = shell.printed("env", "production")
    comment, _ = printed.split("\n", 1)
    assert comment.startswith("# A key of production")
    assert "24 hours" in comment
    file = tmp_path / "printed.env"
    file.write_text(printed)
    key = sourced(file, ["FLATFILE_API_KEY"])["FLATFILE_API_KEY"]
    assert key.startswith("sk_prod_")
    assert shell.status(key) == 200


def test_a_key_that_was_given_is_printed_without_a_comment(shell: Shell) -> None:
    key = shell.server.development["secretKey"]
    printed = shell.printed("env", env={"FLATFILE_API_KEY": key, "FLATFILE_API_URL": shell.server.url})
    assert "#" not in printed
    assert f"FLATFILE_API_KEY={key}\n" in printed


def test_variables_are_listed_by_name_only_and_stay_in_their_environment(shell: Shell) -> None:
    shell.printed("env", "set", "ENV_TEST_ONE=first value", "--environment", "production")
    assert "ENV_TEST_ONE" in shell.printed("env", "list", "--environment", "production").split("\n")
    assert "first value" not in shell.printed("env", "list", "--environment", "production")
    assert "ENV_TEST_ONE" not in shell.printed("env", "list")
    shell.printed("env", "unset", "ENV_TEST_ONE", "--environment", "production")
    assert "ENV_TEST_ONE" not in shell.printed("env", "list", "--environment", "production")


def test_names_and_values_that_cannot_be(shell: Shell) -> None:
    assert "FLATFILE_API_KEY" in shell.refused("env", "set", "FLATFILE_API_KEY=x")
    assert "name" in shell.refused("env", "set", "NO-DASHES=x")
    assert "is empty" in shell.refused("env", "set", "ENV_TEST_EMPTY", stdin="")
    assert "ENV_TEST_GONE" in shell.refused("env", "unset", "ENV_TEST_GONE")


def test_an_environment_that_is_not_there(shell: Shell) -> None:
    assert "'staging'" in shell.refused("env", "staging")
