"""``sheetport run``: a program with an environment's key and variables."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from sheetport.cli.caller import EnvironmentCaller, environment_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err
from sheetport.cli.variables import program_variables

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before using a production key.")]

#: Passed on to the program, unless the terminal has sent them to it already.
_PASSED_ON = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2})
#: What Python ignores and other programs expect to end by.
_TO_DEFAULT = (signal.SIGPIPE, signal.SIGXFSZ)
_FROM_TERMINAL = 0x80  # si_code of what the kernel itself sends
NOT_FOUND, NOT_RUNNABLE = 127, 126


def run(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The program and its arguments.")],
    environment: Environment = None,
    data: Data = None,
    yes: Yes = False,
) -> None:
    """Run a program with an environment's key, address and variables, and for Node.js the preload.

    The key is FLATFILE_API_KEY, else that of .env.NAME in this folder, else one made by the server on this
    machine for as long as the program runs. Signals reach the program; its exit status is this command's.

        sheetport run -- node listener.mjs

        sheetport run --environment production -- python import.py
    """
    with environment_caller(environment, data, "run") as caller:
        confirm_production(caller, yes=yes)
        status = run_program(command, {**os.environ, **program_variables(caller, os.environ)})
    raise typer.Exit(status)


def confirm_production(caller: EnvironmentCaller, *, yes: bool) -> None:
    """On a terminal, ask before a production key is used. Raises CommandError when the answer is no."""
    if caller.is_prod and not yes and sys.stdin.isatty() and sys.stderr.isatty():
        question = f"{caller.environment} is a production environment of {caller.url}. Go on?"
        if not typer.confirm(question, err=True):
            raise CommandError("Nothing was run. Choose another environment with --environment NAME.")


def run_program(command: list[str], variables: dict[str, str]) -> int:
    """Run the program to its end; its exit status, 128+n when signal n ended it, 127 when it is not there."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON | {signal.SIGCHLD})
    try:
        pid = os.posix_spawnp(command[0], command, variables, setsigmask=before, setsigdef=_TO_DEFAULT)
        status = _status(_wait(pid))
        late = signal.sigtimedwait(_PASSED_ON, 0)  # a Ctrl-C that ended the program must not end this command too
        while late is not None:
            late = signal.sigtimedwait(_PASSED_ON, 0)
        return status
    except FileNotFoundError:
        err.print(f"error: there is no program {command[0]!r} on the PATH.", style="red", markup=False)
        return NOT_FOUND
    except OSError as error:
        err.print(f"error: {command[0]} cannot be run: {error.strerror}.", style="red", markup=False)
        return NOT_RUNNABLE
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait(pid: int) -> int:
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        told = signal.sigwaitinfo(_PASSED_ON | {signal.SIGCHLD})
        if told.si_signo != signal.SIGCHLD and told.si_code != _FROM_TERMINAL:
            os.kill(pid, told.si_signo)


def _status(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
