"""Commands whose modules are imported when they are used: ``run`` must not wait for the whole server's modules."""

from __future__ import annotations

import importlib
from typing import Any

import typer

from sheetport.cli.errors import Commands

#: The module and the function or ``typer.Typer`` of each command, in the order of the help.
PLACES = {
    "init": ("sheetport.cli.init", "init"),
    "serve": ("sheetport.cli.serve", "serve"),
    "systemd": ("sheetport.cli.systemd", "systemd"),
    "backup": ("sheetport.cli.backup", "backup"),
    "restore": ("sheetport.cli.restore", "restore"),
    "migrate": ("sheetport.cli.migrate", "migrate"),
    "export": ("sheetport.cli.export", "export"),
    "import": ("sheetport.cli.import_", "import_"),
    "run": ("sheetport.cli.run", "run"),
    "listen": ("sheetport.cli.listen", "listen"),
    "demo": ("sheetport.cli.demo", "demo"),
    "doctor": ("sheetport.cli.doctor", "doctor"),
    "login": ("sheetport.cli.login", "login"),
    "logout": ("sheetport.cli.login", "logout"),
    "env": ("sheetport.cli.env", "env_app"),
    "secrets": ("sheetport.cli.secrets", "secrets_app"),
    "token": ("sheetport.cli.login", "token_app"),
    "events": ("sheetport.cli.events", "events_app"),
    "account": ("sheetport.cli.account", "account_app"),
}


class LazyCommands(Commands):
    """The commands of PLACES and those registered in the usual way."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*PLACES, *(name for name in super().list_commands(ctx) if name not in PLACES)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # the library keeps its command type to itself
        if cmd_name not in PLACES:
            return super().get_command(ctx, cmd_name)
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands[cmd_name]


def _load(name: str) -> Any:
    module, attribute = PLACES[name]
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    single = typer.Typer(add_completion=False)
    single.command(name)(found)
    return typer.main.get_command(single)
