"""The ``sheetport`` command."""

from __future__ import annotations

import typer

from sheetport import NAME, __version__
from sheetport.cli.lazy import LazyCommands
from sheetport.cli.options import out
from sheetport.preload import PRELOAD_PATH

app = typer.Typer(
    name="sheetport",
    cls=LazyCommands,
    help=f"{NAME}: a self-hosted data-exchange server.\n\nStart one with 'sheetport serve', then open it in a browser.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
