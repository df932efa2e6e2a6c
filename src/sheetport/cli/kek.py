"""``sheetport keys kek-rotate`` and ``keys wrap``: the key that seals the keys that seal secrets, and its file."""

from __future__ import annotations

from typing import Annotated

import typer

from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import local_socket
from sheetport.cli.options import Data, KeyFile, err, settings_of
from sheetport.kernel.wrapped import Wrapping
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError


def kek_rotate(
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only into the key file: copy that to every host, then rotate.")
    ] = False,
    data: Data = None,
) -> None:
    """Make a new key-encryption key, seal every data key under it, and drop the old one from the key file.

    Runs beside 'sheetport serve' on the same machine, while others read and write. One that was stopped is finished by
    the server itself. A backup from before opens only with the key file from before: keep that with it.

        sheetport keys kek-rotate
    """
    with local_socket(settings_of(data).storage.data) as server:
        server.wait_longer()
        told = server.call("rotate-kek", prepare=prepare)
    if not told["in_force"]:
        err.print(f"{told['kek_id']} is in the key file. Copy that to every host, and run this again.", markup=False)
        return
    err.print(f"{told['kek_id']} seals every data key. Back the key file up anew.", markup=False)
    for kek_id in told["dropped"]:
        err.print(f"{kek_id} is not in the key file any more.", markup=False)
    if told["stuck"]:
        raise CommandError(f"{told['stuck']} data keys do not open under any key; the old keys are kept in the file.")


def wrap(
    provider: Annotated[str, typer.Argument(metavar="SERVICE", help="aws-kms, vault-transit, or none to unwrap it.")],
    key: Annotated[
        str | None,
        typer.Argument(metavar="[KEY]", help="The service's key: id, ARN or alias; a transit key's name."),
    ] = None,
    data: Data = None,
    key_file: KeyFile = None,
) -> None:
    """Wrap the key file by a key service, so that the disk alone opens nothing; the server asks it at every start.

    The server may run meanwhile. Keep the backup of the plain file away from here, or destroy it.

        sheetport keys wrap aws-kms alias/sheetport

        sheetport keys wrap none
    """
    if (provider == "none") == (key is not None):
        raise CommandError("Give a service and its key, or 'none' alone.")
    settings = settings_of(data, key_file).storage
    wrapping = None if key is None else Wrapping(provider, key)
    try:
        with data_directory.held_keys(settings) as held:
            if not held:
                raise CommandError("Another process is changing the key file; try again.")
            data_directory.wrap_keys(settings, data_directory.load_keys(settings), wrapping)
    except DataDirectoryError as error:
        raise CommandError(str(error)) from None
    except FileNotFoundError:
        raise CommandError(f"There is no key file {settings.key_file}.") from None
    told = "in the clear" if wrapping is None else f"wrapped by {provider} {key}"
    err.print(f"The key file {settings.key_file} is {told}.", markup=False)
