"""``sheetport mail``: whether mail goes out, and what does not."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from sheetport.cli.local_socket import local_socket
from sheetport.cli.options import Data, out, settings_of

Account = Annotated[str | None, typer.Option(help="Name or id of the account, by default the first.")]

mail_app = typer.Typer(
    name="mail",
    no_args_is_help=True,
    help="Mail that this server sends: try the settings, see what waits or failed, send it again.\n\n"
    "    sheetport mail test you@example.com",
)


@mail_app.command("test")
def send_test(
    address: Annotated[str, typer.Argument(help="Where to send it.")],
    data: Data = None,
) -> None:
    """Send a test mail at once, and say what the mail server answered.

    Runs beside 'sheetport serve' on the same machine, with that server's SHEETPORT_SMTP_URL and SHEETPORT_MAIL_FROM.

        sheetport mail test you@example.com
    """
    with local_socket(settings_of(data).storage.data) as server:
        server.wait_longer()
        told = server.call("mail-test", to=address)
    out.file.write(f"{told['host']}:{told['port']} has taken the mail, {told['messageId']}\n")


@mail_app.command("list")
def list_mails(
    status: Annotated[str | None, typer.Option(help="waiting, sent or dead, by default all.")] = None,
    account: Account = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array and nothing else.")] = False,
) -> None:
    """List the mails of the last week, newest first: to whom, which, and what the mail server said last.

    Runs beside 'sheetport serve' on the same machine. What a mail says is not shown: it holds links that sign in.

        sheetport mail list --status dead
    """
    with local_socket(settings_of(data).storage.data) as server:
        told = server.call("mail-list", status=status, account=account)
    if as_json:
        out.file.write(json.dumps(told["mails"]) + "\n")
        return
    if not told["configured"]:
        out.file.write("This server sends no mail: it has no SHEETPORT_SMTP_URL.\n")
    for each in told["mails"]:
        out.file.write(_line(each) + "\n")


@mail_app.command()
def retry(
    mail_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One mail, by default all that wait or are dead.")
    ] = None,
    account: Account = None,
    data: Data = None,
) -> None:
    """Have mails that wait or are dead sent now. Links in old mails may have ended: invite anew instead.

    Runs beside 'sheetport serve' on the same machine.

        sheetport mail retry
    """
    with local_socket(settings_of(data).storage.data) as server:
        told = server.call("mail-retry", id=mail_id, account=account)
    out.file.write(f"{told['count']} to be sent now; see 'sheetport mail list'.\n")


def _line(each: dict[str, Any]) -> str:
    when = each["ended_at"] if each["status"] != "waiting" else each["due_at"]
    words = [
        each["id"],
        f"{each['status']:<7}",
        when,
        f"{each['template']:<18}",
        each["recipient"],
        each["error"] or "",
    ]
    return "  ".join(words).rstrip()
