"""The ``sheetport`` command."""

from __future__ import annotations

import typer

from sheetport import NAME, __version__
from sheetport.cli.account import account_app
from sheetport.cli.demo import demo
from sheetport.cli.doctor import doctor
from sheetport.cli.env import env_app
from sheetport.cli.errors import Commands
from sheetport.cli.events import events_app
from sheetport.cli.init import init
from sheetport.cli.listen import listen
from sheetport.cli.login import login, logout, token_app
from sheetport.cli.options import out
from sheetport.cli.run import run
from sheetport.cli.secrets import secrets_app
from sheetport.cli.serve import serve
from sheetport.preload import PRELOAD_PATH

app = typer.Typer(
    name="sheetport",
    cls=Commands,
    help=f"{NAME}: a self-hosted data-exchange server.\n\nStart one with 'sheetport serve', then open it in a browser.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(init)
app.command()(serve)
app.command()(run)
app.command()(listen)
app.command()(demo)
app.command()(doctor)
app.command()(login)
app.command()(logout)
for group in (env_app, secrets_app, token_app, events_app, account_app):
    app.add_typer(group)


@app.command()
def preload() -> None:
    """Print the path of the Node preload, for NODE_OPTIONS="--require $(sheetport preload)"."""
    out.file.write(f"{PRELOAD_PATH}\n")


@app.command()
def version() -> None:
    """Print the version."""
    out.file.write(f"{__version__}\n")


def main() -> None:
    """Run the command line."""
    app()
