"""The runner of documented commands notices every way in which a page can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.documents import Block, PageError, read_blocks, shell_commands
from docs.runner import BlockError, PageRun
from servers.sheetport import clean_environment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def run(text: str, folder: Path) -> int:
    page = folder.parent / "page.md"
    page.write_text(text)
    with PageRun(page, folder, clean_environment()) as reading:
        return reading.run()


def test_blocks_share_variables_and_folder(folder: Path) -> None:
    page = "```sh\nmkdir a\ncd a\nexport X='two words'\n```\ntext\n```bash\necho \"$X\" > seen\n```\n"
    assert run(page, folder) == 2
    assert (folder / "a" / "seen").read_text() == "two words\n"


def test_console_blocks_run_what_follows_the_prompt() -> None:
    block = Block("console", "$ echo a \\\n> b\na b\n$ true\n", 1)
    assert shell_commands(block) == "echo a \\\nb\ntrue\n"


def test_python_blocks_run(folder: Path) -> None:
    assert run("```python\nopen('made', 'w').close()\n```\n", folder) == 1
    assert (folder / "made").exists()


def test_files_are_written_and_not_run(folder: Path) -> None:
    assert run("<!-- file: app/x.py -->\n```python\nraise SystemExit(3)\n```\n", folder) == 0
    assert (folder / "app" / "x.py").read_text() == "raise SystemExit(3)\n"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("```sh\nfalse\necho after\n```\n", r"page.md:1 ended with status 1"),
        ("text\n```sh\nfalse | cat\n```\n", r"page.md:2 ended with status 1"),
        ("```console\n$ exit 4\n```\n", r"status 4"),
        ("```python\n1 / 0\n```\n", r"ZeroDivisionError"),
        ("<!-- prints: six -->\n```sh\necho five\n```\n", r"did not print 'six'"),
        ("<!-- runs until: ready -->\n```sh\necho no\n```\n", r"too early"),
    ],
)
def test_a_wrong_command_fails(folder: Path, page: str, said: str) -> None:
    with pytest.raises(BlockError, match=said):
        run(page, folder)


def test_a_background_block_is_awaited_and_ended(folder: Path) -> None:
    page = (
        "<!-- runs until: up -->\n```sh\necho $$ > pid\nsleep 0.2\necho up\nexec sleep 600\n```\n```sh\ncat pid\n```\n"
    )
    assert run(page, folder) == 2
    pid = int((folder / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_a_block_is_left_out_only_with_a_reason(folder: Path) -> None:
    assert run("<!-- not run: it would delete your disk -->\n```sh\nfalse\n```\n", folder) == 0
    with pytest.raises(PageError, match="the note 'not run' needs a text"):
        run("<!-- not run: -->\n```sh\nfalse\n```\n", folder)
    with pytest.raises(PageError, match="the note 'not run' needs a text"):
        run("<!-- not run -->\n```sh\nfalse\n```\n", folder)


@pytest.mark.parametrize("page", ["<!-- prints: x -->\ntext\n```sh\n```\n", "```sh\nfalse\n"])
def test_a_page_that_breaks_the_conventions_fails(tmp_path: Path, page: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(page)
    with pytest.raises(PageError, match=r"page\.md"):
        read_blocks(path)


def test_indented_blocks_of_a_list_lose_their_indent(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("1. Do\n\n   ```sh\n   if true; then\n     echo\n   fi\n   ```\n")
    assert [block.text for block in read_blocks(path)] == ["if true; then\n  echo\nfi\n"]
