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


def test_a_secret_is_rotated_and_comes_back_and_the_keys_beneath_are_replaced(shell: Shell) -> None:
    shell.printed("secrets", "set", "TURNING", stdin="one")
    waiting = shell.type("secrets", "rotate", "TURNING", "--value", "--pending", stdin="two")
    assert "Version 2 of TURNING waits: promote it" in waiting.stderr
    shell.printed("secrets", "promote", "TURNING", "--overlap", "15m")
    done = shell.type("secrets", "rotate", "TURNING", "--length", "30")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Version 3 of TURNING is in force.\n")
    shell.printed("secrets", "rollback", "TURNING", "--version", "2")
    listed = [line.split("\t")[:2] for line in shell.printed("secrets", "versions", "TURNING").splitlines()]
    assert listed == [["4", "current"], ["3", "previous"], ["2", "retired"], ["1", "retired"]]
    assert "TURNING\tenvironment" in shell.printed("secrets", "search", "turn*")
    shell.printed("secrets", "get", "TURNING")
    assert "Z\tsecret_key us_key_" in shell.printed("secrets", "reads", "TURNING").splitlines()[0]
    before = shell.server.data.with_suffix(".key").read_text()
    assert "seals every data key" in shell.type("keys", "kek-rotate").stderr
    assert shell.server.data.with_suffix(".key").read_text() != before
    assert "sealed under dk_2" in shell.type("secrets", "rekey").stderr
    assert shell.type("secrets", "verify").stderr == "The secrets are as they were written.\n"
    shell.printed("secrets", "export", "out.env")
    assert (shell.folder / "out.env").stat().st_mode & 0o777 == 0o600
    assert "TURNING=two\n" in (shell.folder / "out.env").read_text()
    assert "is there already" in shell.refused("secrets", "export", "out.env")


def test_a_rotated_value_takes_effect_only_once_the_operators_own_test_has_passed(shell: Shell) -> None:
    shell.printed("secrets", "set", "TRIED", stdin="one")
    trial = 'sh -c \'test "$SECRET_NAME $SECRET_VERSION $SECRET_VALUE" = "TRIED 2 canary-{}"\''
    failed = shell.type("secrets", "rotate", "TRIED", "--value", "--test", trial.format("one"), stdin="canary-two")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "ended with status 1: version 2 stays pending" in failed.stderr
    assert "canary" not in failed.stderr
    for command, why in (("./none", "cannot be run"), ("sleep 60", "was not done after 1 s")):
        assert why in shell.refused("secrets", "promote", "TRIED", "--test", command, "--test-timeout", "1")
    assert shell.printed("secrets", "get", "TRIED") == "one\n"
    passed = shell.type("secrets", "promote", "TRIED", "--test", trial.format("two"))
    assert passed.stderr == "Version 2 of TRIED is in force.\n"
    assert "No version is pending" in shell.refused("secrets", "promote", "TRIED", "--test", "true")
    made = shell.type("secrets", "rotate", "TRIED", "--test", "sh -c 'test ${#SECRET_VALUE} = 43'", "--overlap", "15m")
    assert made.stderr == "Version 3 of TRIED is in force.\n"
    listed = [line.split("\t")[:2] for line in shell.printed("secrets", "versions", "TRIED").splitlines()]
    assert listed == [["3", "current"], ["2", "previous"], ["1", "retired"]]


def test_a_test_that_would_not_be_run_is_refused_before_anything_changes(shell: Shell) -> None:
    assert "is no command" in shell.refused("secrets", "rotate", "NOWHERE", "--test", "sh -c 'x")
    assert "lets the value wait" in shell.refused("secrets", "rotate", "NOWHERE", "--pending", "--test", "true")
