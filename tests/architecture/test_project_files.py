"""The project's files name no machine, no person's folder and no package registry: they work anywhere."""

from __future__ import annotations

import re
from pathlib import Path

from architecture.sources import ROOT, project_files

#: Written in pieces, so that this file does not name what it looks for.
MACHINE_FOLDERS = ("work", "root", "farm", "opt/pypi")
REGISTRY_SETTINGS = (
    r"(?:extra-)?index-" + r"url\s*[= ]",
    r"find-" + r"links\s*[= ]",
    r'"resolved' + r'":\s*"http',
    r"registry\s*=\s*" + r'["\']?http',
    r"registry\." + r"npmjs\.org",
    r"files\." + r"pythonhosted\.org",
)
#: uv writes the public index into its lock file.
LOCKS = {"uv.lock"}
SECRET_SHAPES = (r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----",)


def forbidden(text: str) -> list[str]:
    """What of the above stands in ``text``."""
    folders = [rf"(?<![\w.*)\]}}-])/{name}/\w" for name in MACHINE_FOLDERS]
    return [
        found.group()
        for pattern in (*folders, *REGISTRY_SETTINGS, *SECRET_SHAPES)
        for found in re.finditer(pattern, text)
    ]


def read(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def test_no_file_names_a_machine_or_a_registry() -> None:
    files = [path for path in project_files() if path.name not in LOCKS]
    assert ROOT / "pyproject.toml" in files
    assert {str(path.relative_to(ROOT)): found for path in files if (found := forbidden(read(path)))} == {}


def test_what_must_not_be_there_is_found() -> None:
    machine = "/" + "work/main"
    assert forbidden(f"see {machine}") == ["/" + "work/m"]
    assert forbidden("https://example.com/" + "work/main") == []
    assert forbidden("--index-" + "url https://example.com") == ["index-" + "url "]
    assert forbidden("-----BEGIN EC PRIVATE " + "KEY-----")


def test_the_promised_files_are_there() -> None:
    names = (
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "test",
        ".ci/run",
        "uv.lock",
        "docs/decisions/README.md",
    )
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert records, "there are decisions"
    assert [name for name in records if f"({name})" not in index] == []
    assert sorted(re.findall(r"\((\d{4}-[\w-]+\.md)\)", index)) == records
