"""SQLAlchemy Core as the statement builder: compiled here, run by the engines' own small primitives.

A statement that a store writes once at module level is wrapped by :func:`statement` and compiled once per
database. One that depends on the request (optional filters, an IN list) is passed as it is and compiled
on the spot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import dialect as AsyncpgDialect  # noqa: N812
from sqlalchemy.dialects.sqlite import dialect as SqliteDialect  # noqa: N812
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL text and how to lay out its parameters."""

    sql: str
    names: tuple[str, ...]
    defaults: Mapping[str, Any]

    def values(self, params: Params) -> tuple[Any, ...]:
        """The positional parameters. Raises KeyError for one that is missing."""
        defaults = self.defaults
        if not defaults:
            return tuple([params[name] for name in self.names])  # a list is quicker than a generator
        return tuple([params[name] if name in params else defaults[name] for name in self.names])


class Statement:
    """A statement compiled once per dialect."""

    __slots__ = ("_compiled", "clause")

    def __init__(self, clause: ClauseElement) -> None:
        self.clause = clause
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, compiler: Compiler) -> Compiled:
        found = self._compiled.get(compiler.name)
        if found is None:
            found = self._compiled[compiler.name] = compiler.compile(self.clause)
        return found


def statement(clause: ClauseElement) -> Statement:
    """Wrap a module-level statement so that it is compiled once."""
    return Statement(clause)


class Compiler:
    """Compiles for one database."""

    def __init__(self, name: str, make_dialect: Callable[[], Dialect]) -> None:
        self.name = name
        self._dialect = make_dialect()

    def compile(self, clause: ClauseElement) -> Compiled:
        made = clause.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        if not isinstance(made, SQLCompiler):
            raise TypeError("only statements with SQL text can be run")
        required = {name for bind, name in made.bind_names.items() if bind.required}
        defaults = {name: value for name, value in made.params.items() if name not in required}
        return Compiled(made.string, tuple(made.positiontup or ()), defaults)

    def resolve(self, query: Statement | ClauseElement) -> Compiled:
        return query.compiled(self) if isinstance(query, Statement) else self.compile(query)


SQLITE = Compiler("sqlite", lambda: SqliteDialect(paramstyle="qmark"))
POSTGRESQL = Compiler("postgresql", AsyncpgDialect)
