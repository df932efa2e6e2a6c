r"""Rows as PostgreSQL's COPY spells them: a line a row, tabs between values, ``\N`` for null, ``\`` as the escape.

PostgreSQL writes and reads it itself; here is what SQLite needs for the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

NULL = r"\N"
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
Convert = Callable[[str], Any]


def row_sql(table: str, columns: list[tuple[str, str]]) -> str:
    """A SELECT of one text a row, its line. ``columns`` are (name, declared type). Raises KeyError for a new type."""
    spelled = [_SPELLED[kind](f'"{name}"') for name, kind in columns]
    values = " || char(9) || ".join(f"ifnull({value}, '{NULL}')" for value in spelled)
    return f'SELECT {values} || char(10) FROM "{table}"'  # noqa: S608 - names of our own schema  # nosec B608


def parse_rows(pieces: Iterable[bytes], kinds: list[str]) -> Iterator[list[Any]]:
    """The values of each row, by the columns' declared types."""
    converts = [_READ[kind] for kind in kinds]
    rest = b""
    for piece in pieces:
        whole, cut, after = (rest + piece).rpartition(b"\n")
        rest = after
        for line in whole.decode().split("\n") if cut else ():
            # strict: a row that is short or long is a damaged file, never a shifted value
            yield [convert(value) for convert, value in zip(converts, line.split("\t"), strict=True)]


def _text_sql(name: str) -> str:
    escaped = name
    for raw, spelled in (("'\\'", r"'\\'"), ("char(9)", r"'\t'"), ("char(10)", r"'\n'"), ("char(13)", r"'\r'")):
        escaped = f"replace({escaped}, {raw}, {spelled})"
    return escaped


def _number_sql(name: str) -> str:
    return name


def _flag_sql(name: str) -> str:
    return f"CASE {name} WHEN 1 THEN 't' WHEN 0 THEN 'f' END"


def _bytes_sql(name: str) -> str:
    return rf"CASE WHEN {name} IS NOT NULL THEN '\\x' || lower(hex({name})) END"  # hex(NULL) is empty, not null


def _text(value: str) -> str | None:
    if "\\" not in value:
        return value
    return None if value == NULL else _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)


def _number(value: str) -> int | None:
    return None if value == NULL else int(value)


def _flag(value: str) -> bool | None:
    return None if value == NULL else value == "t"


def _bytes(value: str) -> bytes | None:
    return None if value == NULL else bytes.fromhex(value.removeprefix(r"\\x"))


_SPELLED = {
    "TEXT": _text_sql,
    "BIGINT": _number_sql,
    "SMALLINT": _number_sql,
    "INTEGER": _number_sql,
    "BOOLEAN": _flag_sql,
    "BLOB": _bytes_sql,
}
_READ: dict[str, Convert] = {
    "TEXT": _text,
    "BIGINT": _number,
    "SMALLINT": _number,
    "INTEGER": _number,
    "BOOLEAN": _flag,
    "BLOB": _bytes,
}
