"""``sheetport secrets``: values by standard input only, shown by ``get`` only."""

from __future__ import annotations

from cli.conftest import Shell

VALUE = "canary value: 'quoted' $5\nand a second line"


def test_a_secret_is_set_read_and_deleted(shell: Shell) -> None:
    done = shell.type("secrets", "set", "My Key", stdin=VALUE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "My Key is set.\n")
    assert shell.printed("secrets", "get", "My Key") == VALUE + "\n"
    listed = shell.printed("secrets", "list")
    assert f"My Key\tenvironment {shell.server.development['id']}\n" in listed
    assert "canary" not in listed
    shell.printed("secrets", "delete", "My Key")
    assert "There is no secret named 'My Key'" in shell.refused("secrets", "get", "My Key")
    assert "My Key" in shell.refused("secrets", "delete", "My Key")


def test_one_line_break_at_the_end_is_not_part_of_the_value(shell: Shell) -> None:
    shell.printed("secrets", "set", "LINE", stdin="value\n")
    assert shell.printed("secrets", "get", "LINE") == "value\n"
    shell.printed("secrets", "delete", "LINE")


def test_a_spaces_secret_is_in_force_there_only(shell: Shell) -> None:
    development = shell.server.development
    made = shell.server.request(
        "POST", "/v1/spaces", {"name": "S", "environmentId": development["id"]}, development["secretKey"]
    )
    space = made.body["data"]["id"]
    shell.printed("secrets", "set", "SCOPED", stdin="of the environment")
    shell.printed("secrets", "set", "SCOPED", "--space", space, stdin="of the space")
    assert shell.printed("secrets", "get", "SCOPED") == "of the environment\n"
    assert shell.printed("secrets", "get", "SCOPED", "--space", space) == "of the space\n"
    listed = [line for line in shell.printed("secrets", "list", "--space", space).splitlines() if "SCOPED" in line]
    assert listed[-1] == f"SCOPED\tspace {space}"
    shell.printed("secrets", "delete", "SCOPED", "--space", space)
    assert shell.printed("secrets", "get", "SCOPED", "--space", space) == "of the environment\n"
    assert "is set here" in shell.refused("secrets", "delete", "SCOPED", "--space", space)
    assert "us_sp_none" in shell.refused("secrets", "list", "--space", "us_sp_none")


def test_environments_have_their_own(shell: Shell) -> None:
    shell.printed("secrets", "set", "APART", "--environment", "production", stdin="p")
    assert "APART" in shell.printed("secrets", "list", "--environment", "production")
    assert "APART" not in shell.printed("secrets", "list")


def test_a_file_is_imported_whole_or_not_at_all(shell: Shell) -> None:
    file = shell.folder / "partner.env"
    file.write_text("# keys\nexport FIRST='one $HOME'\nSECOND=\"two\\nlines\"\n")
    shell.printed("secrets", "import", "partner.env")
    assert shell.printed("secrets", "get", "FIRST") == "one $HOME\n"
    assert shell.printed("secrets", "get", "SECOND") == "two\nlines\n"
    file.write_text("THIRD=x\nFOURTH=\n")
    assert "FOURTH" in shell.refused("secrets", "import", "partner.env")
    assert "THIRD" not in shell.printed("secrets", "list")
    assert "There is no file" in shell.refused("secrets", "import", "none.env")


def test_an_empty_value_is_refused(shell: Shell) -> None:
    assert "is empty" in shell.refused("secrets", "set", "EMPTY", stdin="\n")


def test_a_value_in_the_arguments_is_a_usage_error(shell: Shell) -> None:
    assert shell.type("secrets", "set", "NAME", "value").returncode == 2
