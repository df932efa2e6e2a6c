"""``sheetport users``: who is in your account."""

from __future__ import annotations

from typing import Annotated

import typer

from sheetport.cli.caller import user_caller
from sheetport.cli.options import Data, err, out
from sheetport.cli.people import find_role, find_user, resource_id

User = Annotated[str, typer.Argument(metavar="USER", help="An address, or an id as 'sheetport users list' prints it.")]

users_app = typer.Typer(
    name="users",
    no_args_is_help=True,
    help="Users of your account: invite them, shut them out, let them in again, delete them.\n\n"
    "    sheetport users invite bob@example.com --name Bob --role User",
)


@users_app.command("list")
def list_users(
    search: Annotated[str | None, typer.Option(help="Part of a name or address.")] = None, data: Data = None
) -> None:
    """List the account's users: id, address, status (active, invited or disabled), name.

    sheetport users list --search example.com
    """
    params = {"pageSize": 1000, **({} if search is None else {"search": search})}
    with user_caller(data) as client:
        for user in client.data("GET", "/v1/users", params=params):
            out.file.write(f"{user['id']}  {user['email']}  {user['status']}  {user['name']}\n")


@users_app.command()
def invite(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[str, typer.Option(help="Name or id of the role to give.")] = "User",
    on: Annotated[str | None, typer.Option(help="Id of what the role is on, by default the account.")] = None,
    data: Data = None,
) -> None:
    """Invite a user, who chooses a password by a link that works once, for 7 days.

    A server that sends no mail has you hand the link over: it is printed this once.

        sheetport users invite bob@example.com --name Bob --role Guest --on us_sp_Ba5Xn1PqTz7YcD2w
    """
    with user_caller(data) as client:
        given = [{"roleId": find_role(client, role)["id"], "resourceId": resource_id(client, on)}]
        made = client.data("POST", "/v1/users/invite", {"email": email, "name": name, "actorRoles": given})
    _hand_over(made.get("invitationLink"), made["email"])


@users_app.command()
def resend(user: User, data: Data = None) -> None:
    """Invite a user again who has not accepted yet; the link before stops working.

    sheetport users resend bob@example.com
    """
    with user_caller(data) as client:
        found = find_user(client, user)
        made = client.data("POST", f"/v1/users/{found['id']}/resend-invite")
    _hand_over(made.get("invitationLink"), found["email"])


@users_app.command()
def disable(user: User, data: Data = None) -> None:
    """Shut a user out: sign-in and every token of theirs are refused at once.

    sheetport users disable bob@example.com
    """
    with user_caller(data) as client:
        found = client.data("POST", f"/v1/users/{find_user(client, user)['id']}/disable")
    err.print(f"{found['email']} is shut out.", markup=False)


@users_app.command()
def enable(user: User, data: Data = None) -> None:
    """Let a disabled user in again, with the tokens they had.

    sheetport users enable bob@example.com
    """
    with user_caller(data) as client:
        found = client.data("POST", f"/v1/users/{find_user(client, user)['id']}/enable")
    err.print(f"{found['email']} may sign in again.", markup=False)


@users_app.command()
def delete(user: User, data: Data = None) -> None:
    """Delete a user: their tokens and roles end at once.

    sheetport users delete bob@example.com
    """
    with user_caller(data) as client:
        found = find_user(client, user)
        client.call("DELETE", f"/v1/users/{found['id']}")
    err.print(f"{found['email']} is deleted.", markup=False)


def _hand_over(link: str | None, email: str) -> None:
    if link is None:
        err.print(f"The invitation is on its way to {email}.", markup=False)
        return
    out.file.write(f"{link}\n")
    err.print(f"Hand this link over to {email}; it works once and is shown this once.", markup=False)
