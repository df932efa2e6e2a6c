"""What docs/security claims: each requirement has a line, each named test exists, and the inventory is the code's."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import NamedTuple

from architecture.sources import ROOT, python_files

PAGES = ROOT / "docs" / "security"
PACKAGE = ROOT / "src" / "sheetport"
#: How many requirements of levels 1 and 2 each chapter of ASVS 5.0.0 has.
CHAPTERS = {1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7} | {
    10: 29, 11: 14, 12: 9, 13: 13, 14: 9, 15: 13, 16: 16, 17: 7
}  # fmt: skip
#: How an algorithm shows itself in the code, and what the inventory calls it.
SIGNS = {
    r"\bAESGCM\(": "AES-256-GCM",
    r"\bhmac\.(new|digest)\(": "HMAC-SHA256",
    r"\bhashlib\.sha256\(": "SHA-256",
    r"\bHKDF\(": "HKDF-SHA256",
    r"\bEd25519P\w+\.from": "Ed25519",
    r"\bblake2[bs]\(": "BLAKE2b",
    r"\bPasswordHasher\(": "argon2id",
    r"\bsha1\(": "SHA-1",
    r"\bcrc32\(": "CRC-32",
    r"\bTOTP\(": "HMAC-SHA1",
    r"\bsecrets\.(token_\w+|choice|randbelow)\(": "the system's random numbers",
    r"\bcompare_digest\(": "comparison in constant time",
}
_TOO_WEAK = re.compile(r"\bmd5\(|\bDES\b|\bECB\(|\bARC4\b|\bRC4\b|\bBlowfish\(", re.IGNORECASE)


class Line(NamedTuple):
    requirement: str
    status: str
    where: str
    tests: str
    note: str


def lines() -> list[Line]:
    text = (PAGES / "asvs.tsv").read_text().splitlines()
    assert text[0].split("\t") == list(Line._fields)
    return [Line(*each.split("\t")) for each in text[1:]]


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def missing_tests(named: str) -> list[str]:
    """The tests of a line that do not exist."""
    found = []
    for test in named.split():
        path, _, function = test.partition("::")
        exists = path.endswith(".py") and (ROOT / "tests" / path).is_file()
        if not exists or (function and function not in functions_of(path)):
            found.append(test)
    return found


def missing_places(named: str) -> list[str]:
    return [path for path in named.split() if not ((PACKAGE / path).is_file() or (ROOT / path).is_file())]


def test_every_requirement_of_level_2_has_one_line() -> None:
    numbers = [each.requirement for each in lines()]
    assert len(set(numbers)) == len(numbers) == 253
    assert all(re.fullmatch(r"V\d{1,2}\.\d\.\d{1,2}", number) for number in numbers)
    counted = {chapter: sum(number.startswith(f"V{chapter}.") for number in numbers) for chapter in CHAPTERS}
    assert counted == CHAPTERS


def test_every_named_test_and_place_exists() -> None:
    wrong = {each.requirement: missing_tests(each.tests) + missing_places(each.where) for each in lines()}
    assert {number: found for number, found in wrong.items() if found} == {}


def test_a_test_or_place_that_does_not_exist_is_found() -> None:
    assert missing_tests("http/test_web.py::test_nothing http/test_none.py") != []
    assert missing_tests("http/test_web.py::test_names_are_escaped") == []
    assert missing_places("kernel/crypto.py docs/none.md") == ["docs/none.md"]


def test_what_is_not_met_says_why_and_what_is_met_says_where() -> None:
    for each in lines():
        assert each.status in {"met", "partly", "open", "none"}, each
        assert each.note or each.status == "met", each
        assert each.where or each.tests or each.note or each.status != "met", each


def test_the_inventory_names_what_the_code_uses() -> None:
    rows = re.findall(r"^\| (.+?) \| .+? \| (`.+`) \|$", (PAGES / "crypto-inventory.md").read_text(), re.MULTILINE)
    told = {(name, file) for name, files in rows for file in re.findall(r"`([^`]+)`", files)}
    used = set()
    for path in python_files("src"):
        text, file = path.read_text(), str(path.relative_to(PACKAGE))
        used |= {(name, file) for sign, name in SIGNS.items() if re.search(sign, text)}
        assert not _TOO_WEAK.search(text), file
    assert {
        each for each in used if not any(name.startswith(each[0]) and file == each[1] for name, file in told)
    } == set()
    assert missing_places(" ".join(file for _, file in told)) == []
