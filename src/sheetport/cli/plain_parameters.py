"""Parameters that are taken as they were typed.

The library checks every parameter, even ``--help``, by a validator that takes longer to load than most commands take
to run. Texts, lists of texts and flags need none: they are what they are.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

#: What needs no check.
_AS_TYPED = (bool, str, list[str])


class _AsTyped:
    """In the place of the library's validator."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if param.multiple or param.nargs == -1:
            return list(value or ())
        return value


def as_typed(parameters: list[Any]) -> list[Any]:
    """The parameters of a command; those that need no check have none."""
    for parameter in parameters:
        if parameter.type_descriptor.annotation in _AS_TYPED:
            parameter._runtime_param = _AsTyped()
    return parameters


class PlainCommand(TyperCommand):
    """A command that starts without the library's validator, unless one of its parameters needs it."""

    def get_params(self, ctx: Any) -> list[Any]:
        return as_typed(super().get_params(ctx))
