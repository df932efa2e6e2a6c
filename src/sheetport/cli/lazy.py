"""Commands whose modules are imported when they are used: ``run`` must not wait for the whole server's modules."""

from __future__ import annotations

import importlib
from typing import Any

import typer

from sheetport.cli.errors import Commands
from sheetport.cli.plain_parameters import PlainCommand
from sheetport.kernel.memory import building

#: The module, the function or ``typer.Typer``, and the summary of each command, in the order of the help.
#: A summary is here, and not only at its command, so that the help loads no command.
PLACES = {
    "init": (
        "sheetport.cli.init",
        "init",
        "Set a server up: data directory, key file, first account, two environments and their keys.",
    ),
    "serve": ("sheetport.cli.serve", "serve", "Run the server."),
    "systemd": ("sheetport.cli.systemd", "systemd", "Print a hardened systemd unit that runs this very installation."),
    "backup": ("sheetport.cli.backup", "backup", "Write all data, as it is at one instant, to a new file."),
    "restore": (
        "sheetport.cli.restore",
        "restore",
        "Put a backup into an empty data directory or PostgreSQL database, whichever of the two it came from.",
    ),
    "migrate": (
        "sheetport.cli.migrate",
        "migrate",
        "Bring the database to this version's schema, as 'serve' does when it starts, with a backup before it.",
    ),
    "export": ("sheetport.cli.export", "export", "Write an environment to open files: JSON, and CSV of every sheet."),
    "import": ("sheetport.cli.import_", "import_", "Make a new environment of an export: all of it, or nothing."),
    "run": (
        "sheetport.cli.run",
        "run",
        "Run a program with an environment's key, address and variables, and for Node.js the preload.",
    ),
    "init-listener": (
        "sheetport.cli.init_listener",
        "init_listener",
        "Make a listener to start from: a folder with a listener, its test and how to run both.",
    ),
    "listen": (
        "sheetport.cli.listen",
        "listen",
        "Run a Python listener until Ctrl-C or SIGTERM, and say which events it handled.",
    ),
    "testing": (
        "sheetport.cli.testing",
        "testing_app",
        "Test listeners against a server that is there for the tests alone.",
    ),
    "demo": (
        "sheetport.cli.demo",
        "demo",
        "Take three small files through a space, a submit job and a listener to a webhook, and explain each step.",
    ),
    "doctor": (
        "sheetport.cli.doctor",
        "doctor",
        "Look over data directory, key file, database, clock, port and running server, and say what to do.",
    ),
    "scan": (
        "sheetport.cli.scan",
        "scan",
        "Find this server's keys and tokens in files, folders, git's history or standard input.",
    ),
    "login": (
        "sheetport.cli.login",
        "login",
        "Sign in; the sign-in is kept in a file that only you can read.",
    ),
    "logout": ("sheetport.cli.login", "logout", "Sign out: end the stored sign-in on the server and delete it here."),
    "env": (
        "sheetport.cli.env",
        "env_app",
        "Print what a program needs to talk to this server, or set an environment's own variables.",
    ),
    "secrets": (
        "sheetport.cli.secrets",
        "secrets_app",
        "Secrets that listeners read with event.secrets(NAME): of an environment, or of one of its spaces.",
    ),
    "keys": (
        "sheetport.cli.keys",
        "keys_app",
        "Keys of environments, one for each program, and what is due to be rotated.",
    ),
    "clients": (
        "sheetport.cli.clients",
        "clients_app",
        "Client credentials: an id and a secret that a program exchanges for access tokens.",
    ),
    "token": ("sheetport.cli.login", "token_app", "Personal access tokens: they act as you, in every environment."),
    "users": (
        "sheetport.cli.users",
        "users_app",
        "Users of your account: invite them, shut them out, let them in again, delete them.",
    ),
    "roles": ("sheetport.cli.roles", "roles_app", "Roles of your account, and giving them to users."),
    "sessions": (
        "sheetport.cli.sessions",
        "sessions_app",
        "Where you are signed in: by the page, by password and by client credentials.",
    ),
    "sso": (
        "sheetport.cli.sso",
        "sso_app",
        "Single sign-on: your account's users sign in by your own identity provider (OpenID Connect).",
    ),
    "webhooks": (
        "sheetport.cli.webhooks",
        "webhooks_app",
        "Webhooks: events of an environment or a space, posted to a URL and signed by Standard Webhooks.",
    ),
    "events": ("sheetport.cli.events", "events_app", "What happens in an environment."),
    "deploy": (
        "sheetport.cli.agents",
        "deploy",
        "Deploy a program as an agent of an environment, which this server then runs.",
    ),
    "agents": (
        "sheetport.cli.agents",
        "agents_app",
        "Agents: listeners that this server runs.",
    ),
    "guests": (
        "sheetport.cli.guests",
        "guests_app",
        "Guests: people who are let into a space, or only into some of its workbooks and sheets.",
    ),
    "mail": (
        "sheetport.cli.mail",
        "mail_app",
        "Mail that this server sends: try the settings, see what waits or failed, send it again.",
    ),
    "egress": (
        "sheetport.cli.egress",
        "egress_app",
        "Which targets beyond the public internet this server may call.",
    ),
    "audit": (
        "sheetport.cli.audit",
        "audit_app",
        "The audit log: list it, export and verify it, erase a person from it, prune it.",
    ),
    "account": ("sheetport.cli.account", "account_app", "Accounts of this server."),
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

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands into the help."""
        summaries = {name: summary for name, (_, _, summary) in PLACES.items()}
        summaries |= {name: command.get_short_help_str(200) for name, command in self.commands.items()}
        rows = [(name, summaries[name]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _load(name: str) -> Any:
    module, attribute, _ = PLACES[name]
    with building():
        found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        found.rich_markup_mode = None
        return typer.main.get_group(found)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, cls=PlainCommand)(found)
    return typer.main.get_command(single)
