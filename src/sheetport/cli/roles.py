"""``sheetport roles``: the account's roles, and who has which."""

from __future__ import annotations

from typing import Annotated

import typer

from sheetport.cli.caller import user_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, err, out
from sheetport.cli.people import find_holder, find_role, resource_id

Role = Annotated[str, typer.Argument(metavar="ROLE", help="A role's name or id.")]
User = Annotated[str, typer.Argument(metavar="USER", help="A user's address or id, or a guest's id.")]
On = Annotated[
    str | None,
    typer.Option(help="Id of an environment, a space, a workbook or a sheet; by default the account."),
]

roles_app = typer.Typer(
    name="roles",
    no_args_is_help=True,
    help="Roles of your account, and giving them to users. A role holds for the thing it is given on and all in it.\n\n"
    "    sheetport roles grant Guest bob@example.com --on us_sp_Ba5Xn1PqTz7YcD2w",
)


@roles_app.command("list")
def list_roles(
    permissions: Annotated[bool, typer.Option("--permissions", help="What each role gives, too.")] = False,
    data: Data = None,
) -> None:
    """List the account's roles: id, name, and whether it is built in.

    sheetport roles list --permissions
    """
    with user_caller(data) as client:
        for role in client.data("GET", "/v1/roles"):
            out.file.write(f"{role['id']}  {role['name']}  {'built in' if role['builtIn'] else 'your own'}\n")
            if permissions:
                out.file.writelines(f"    {permission}\n" for permission in role["permissions"])


@roles_app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    permission: Annotated[list[str], typer.Option(help="Such as record:read. Repeat it.")],
    data: Data = None,
) -> None:
    """Make a role of your own. It gives no permission that you do not have yourself.

    sheetport roles create Readers --permission sheet:read --permission record:read
    """
    with user_caller(data) as client:
        made = client.data("POST", "/v1/roles", {"name": name, "permissions": permission})
    out.file.write(f"{made['id']}\n")


@roles_app.command()
def grant(role: Role, user: User, on: On = None, data: Data = None) -> None:
    """Give a user or a guest a role, on the account or on one thing. It holds at once.

    sheetport roles grant Admin bob@example.com --on us_env_Ba5Xn1PqTz7YcD2w
    """
    with user_caller(data) as client:
        body = {"roleId": find_role(client, role)["id"], "resourceId": resource_id(client, on)}
        path, name = find_holder(client, user)
        client.data("POST", path, body)
    err.print(f"{name} has the role {role} on {body['resourceId']}.", markup=False)


@roles_app.command()
def revoke(role: Role, user: User, on: On = None, data: Data = None) -> None:
    """Take a role from a user or a guest. It holds at once.

    sheetport roles revoke Admin bob@example.com --on us_env_Ba5Xn1PqTz7YcD2w
    """
    with user_caller(data) as client:
        wanted = find_role(client, role)["id"], resource_id(client, on)
        path, name = find_holder(client, user)
        given = [one for one in client.data("GET", path) if (one["roleId"], one["resourceId"]) == wanted]
        if not given:
            raise CommandError(f"{name} has no role {role} on {wanted[1]}.")
        client.call("DELETE", f"{path}/{given[0]['id']}")
    err.print(f"{name} has no longer the role {role} on {wanted[1]}.", markup=False)


@roles_app.command()
def delete(role: Role, data: Data = None) -> None:
    """Delete a role of your own that nobody has.

    sheetport roles delete Readers
    """
    with user_caller(data) as client:
        found = find_role(client, role)
        client.call("DELETE", f"/v1/roles/{found['id']}")
    err.print(f"The role {found['name']} is deleted.", markup=False)
