"""``sheetport sessions``: where you are signed in."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from sheetport.cli.caller import user_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, err, out

_SESSIONS = "/v1/auth/sessions"

sessions_app = typer.Typer(
    name="sessions",
    no_args_is_help=True,
    help="Where you are signed in: by the page, by password and by client credentials.\n\n    sheetport sessions list",
)


@sessions_app.command("list")
def list_sessions(data: Data = None) -> None:
    """List your running sign-ins: id, from where, how, since when, last seen, with which program.

    sheetport sessions list
    """
    with user_caller(data) as client:
        for one in client.data("GET", _SESSIONS):
            place = f"{one.get('address') or 'unknown place'}{' (this one)' if one['current'] else ''}"
            seen = one.get("lastSeenAt") or "not yet"
            agent = one.get("agent") or "unknown program"
            line = f"{one['id']}  {place}  {one['method']}  since {one['createdAt']}  seen {seen}  {agent}"
            out.print(line, markup=False, soft_wrap=True)


@sessions_app.command("revoke")
def revoke_session(
    session_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="As 'sheetport sessions list' prints it.", show_default=False)
    ] = None,
    others: Annotated[bool, typer.Option("--others", help="All but the one that this command uses.")] = False,
    every: Annotated[bool, typer.Option("--all", help="All, also the one that this command uses.")] = False,
    data: Data = None,
) -> None:
    """End one sign-in, all others, or all; the next call with one is refused.

    sheetport sessions revoke --others
    """
    if [session_id is not None, others, every].count(True) != 1:
        raise CommandError("Name one session, or give --others or --all.")
    with user_caller(data) as client:
        if session_id is not None:
            client.call("DELETE", f"{_SESSIONS}/{quote(session_id, safe='')}")
            err.print(f"{session_id} has ended.", markup=False)
            return
        ended = client.data("DELETE", _SESSIONS, params={"which": "others" if others else "all"})["ended"]
    err.print(f"{ended} ended.")
