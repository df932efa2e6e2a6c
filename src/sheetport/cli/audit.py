"""``sheetport audit``: list, export, verify, erase and prune the audit log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sheetport.cli.audit_log import AuditLog, as_command_errors, moment, open_log
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, DatabaseUrl, KeyFile, out, progress, settings_of
from sheetport.features.audit.codec.verifying import BrokenError, Verified, verify
from sheetport.kernel.clock import iso
from sheetport.kernel.crypto import key_fingerprint
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError

audit_app = typer.Typer(
    name="audit",
    no_args_is_help=True,
    help="The audit log: list it, export and verify it, erase a person from it, prune it.\n\n"
    "    sheetport audit export --out audit.jsonl\n\n"
    "    sheetport audit verify audit.jsonl --public-key SHA256:…",
)
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file.")]


@audit_app.command("list")
def list_records(
    action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="Such as secret:read, or all of a noun: secret.")
    ] = None,
    actor: Annotated[str | None, typer.Option(metavar="ID", help="Who acted.")] = None,
    target: Annotated[str | None, typer.Option(metavar="ID", help="On what.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="2026-11-24 or 2026-11-24T12:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Not included.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    account: Annotated[str | None, typer.Option(help="Name or id of the account, by default the first.")] = None,
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the newest records of an account: when, what, to what, by whom, from where. Works beside a running
    server, and without one.

        sheetport audit list --action secret:read --since 2026-11-01
    """
    chosen: dict[str, Any] = {"actor_id": actor, "action": action, "target": target}
    chosen |= {"since": moment("--since", since), "until": moment("--until", until)}
    with as_command_errors(), open_log(data, key_file, database_url) as log:
        for each in log.records(account, chosen, limit):
            out.file.write(json.dumps(each, ensure_ascii=False) + "\n" if as_json else _line(each))


@audit_app.command()
def export(out_file: Out, data: Data = None, key_file: KeyFile = None, database_url: DatabaseUrl = None) -> None:
    """Write every sealed record of the server to a file of JSON lines, OCSF events that anybody can verify.

    Works beside a running server, and without one. Names and addresses of persons are in it unless they were erased.

        sheetport audit export --data sheetport-data --out audit.jsonl
    """
    with as_command_errors(), open_log(data, key_file, database_url) as log, progress("Exporting:") as say:
        counted = log.export(out_file, say)
    out.print(f"Exported {counted:,} lines to {escape(str(out_file))}. Check it: sheetport audit verify {out_file}")


@audit_app.command("verify")
def verify_log(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="What 'audit export' wrote.")] = None,
    public_key: Annotated[
        str | None,
        typer.Option(metavar="FINGERPRINT", help="The key that must have signed it, as 'sheetport init' printed it."),
    ] = None,
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Verify an export, for which nothing but the file is needed; without FILE, a server's database and log.

    Ends with status 0 only if every chain holds, and else names the first record that is not what was sealed. Whoever
    has the signing key can make a valid file: compare its fingerprint with the one you noted.

        sheetport audit verify audit.jsonl --public-key SHA256:…

        sheetport audit verify --data sheetport-data
    """
    try:
        verified = _verify_file(file, public_key) if file else _verify_data(data, key_file, database_url, public_key)
    except BrokenError as error:
        raise CommandError(f"NOT VALID: {error}") from None
    held = f"{verified.records:,} records in {verified.chains} chains hold, exported {iso(verified.exported_at)}"
    out.print(f"[bold green]Valid.[/] {held if file else held.partition(', exported')[0]}.")
    out.print(f"Signed by {verified.fingerprint}", markup=False)


@audit_app.command()
def key(data: Data = None, key_file: KeyFile = None) -> None:
    """Print the fingerprint of the key that signs this server's audit log, as 'sheetport init' did.

    sheetport audit key
    """
    try:
        keys = data_directory.load_keys(settings_of(data, key_file).storage)
    except DataDirectoryError as error:
        raise CommandError(str(error)) from None
    out.file.write(f"{key_fingerprint(keys.audit_public_key)}\n")


@audit_app.command()
def erase(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="A user's mail address, or a user's or guest's id.")],
    account: Annotated[str | None, typer.Option(help="Of an id: name or id of the account, else the first.")] = None,
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Erase names and addresses of a person from all audit records, for good. Every chain stays valid.

    What they did stays, under an id that names nobody any more once the user is deleted. Backups and exports made
    before still hold the data.

        sheetport audit erase ada@example.com
    """
    with as_command_errors(), open_log(data, key_file, database_url) as log:
        erased = log.call("audit-erase", person=person, account=account)["person"]
    out.print(f"Erased what the audit log knew of {erased}.", markup=False)


@audit_app.command()
def prune(
    before: Annotated[str, typer.Option(metavar="DATE", help="2026-01-01: records sealed earlier may go.")],
    out_file: Out,
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete old records, whole stretches up to a signed checkpoint, after writing them to a file.

    The file verifies as an export does, and what stays goes on from its end.

        sheetport audit prune --before 2026-01-01 --out audit-until-2026.jsonl
    """
    until = moment("--before", before) or 0
    with as_command_errors(), open_log(data, key_file, database_url) as log, progress("Pruning:") as say:
        deleted = log.prune(until, out_file, say)
    if deleted is None:
        out.print(f"No stretch up to a checkpoint is older than {before}: nothing was deleted.", markup=False)
    else:
        out.print(f"Deleted {deleted:,} records; they are in {out_file}.", markup=False)


@audit_app.command()
def accept(data: Data = None, key_file: KeyFile = None, database_url: DatabaseUrl = None) -> None:
    """Go on from a database or log that was set back, once you know why it was. The audit log records it.

    sheetport audit accept
    """
    with as_command_errors(), open_log(data, key_file, database_url) as log:
        accepted = log.call("audit-accept")["accepted"]
    out.print(f"Accepted: {accepted}" if accepted else "Nothing was set back.", markup=False)


def _verify_file(file: Path, public_key: str | None) -> Verified:
    try:
        with file.open("rb") as lines:
            return verify(lines, public_key)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None


def _verify_data(data: Data, key_file: KeyFile, database_url: DatabaseUrl, public_key: str | None) -> Verified:
    def check(log: AuditLog) -> Verified:
        verified = log.check()
        if public_key is not None and verified.fingerprint != public_key:
            raise BrokenError(f"The log is signed by the key {verified.fingerprint}, not by {public_key}.")
        return verified

    with as_command_errors(), open_log(data, key_file, database_url) as log:
        return check(log)


def _line(each: dict[str, Any]) -> str:
    who = each["personal"].get("src_endpoint.ip", "")
    return f"{each['createdAt']}  {each['action']:<24} {each['target'] or '-'}  {each['actor']}  {who}".rstrip() + "\n"
