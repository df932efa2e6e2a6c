"""The ``sheetport`` command."""

from __future__ import annotations

import sys

import typer

from sheetport import NAME, __version__
from sheetport.cli.lazy import LazyCommands
from sheetport.cli.options import out
from sheetport.cli.plain_parameters import PlainCommand
from sheetport.preload import PRELOAD_PATH

#: Two options that few use once; having them loads what takes longer than all else of a start.
COMPLETION = ("--install-completion", "--show-completion")

app = typer.Typer(
    name="sheetport",
    cls=LazyCommands,
    help=f"{NAME}: a self-hosted data-exchange server.\n\nStart one with 'sheetport serve', then open it in a browser.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=any(option in sys.argv for option in COMPLETION),
    epilog=f"{' and '.join(COMPLETION)} set up completion in your shell, and show what that does.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(cls=PlainCommand)
def preload() -> None:
    """Print the path of the Node preload, for NODE_OPTIONS="--require $(sheetport preload)"."""
    out.file.write(f"{PRELOAD_PATH}\n")


@app.command(cls=PlainCommand)
def version() -> None:
    """Print the version."""
    out.file.write(f"{__version__}\n")


def main() -> None:
    """Run the command line."""
    app()
