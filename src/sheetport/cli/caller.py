"""As whom a command calls the server: with a key of one environment, or as a user."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sheetport.cli.client import CallError, Client
from sheetport.cli.dotenv import read_dotenv
from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import LocalSocket, NoLocalServer, local_socket
from sheetport.cli.login_file import read_login
from sheetport.cli.options import settings_of
from sheetport.config import DEFAULT_HOST, DEFAULT_PORT

DEFAULT_ENVIRONMENT = "development"
DEFAULT_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
_USER_TOKENS = ("pat_", "at_")


@dataclass(frozen=True, slots=True)
class EnvironmentCaller:
    """A key of one environment. ``url`` is without ``/v1``; ``source`` says where the key came from."""

    url: str
    key: str = field(repr=False)
    environment_id: str
    environment: str
    is_prod: bool
    source: str

    def client(self) -> Client:
        return Client(self.url, self.key)


@contextmanager
def environment_caller(
    environment: str | None, data: Path | None, purpose: str, *, keep: bool = False, or_login: bool = False
) -> Iterator[EnvironmentCaller]:
    """The caller of an environment, by default ``development``: FLATFILE_API_KEY, else ``.env.NAME``, else a
    key made over the local socket, named "``purpose`` on HOST", which ends with the context (``keep``: after
    24 hours). ``or_login``: without a local server, the stored sign-in. Raises CommandError, and NoLocalServer
    when no way is left."""
    given = _given_key(environment)
    if given is not None:
        yield _known(environment, *given)
        return
    login = read_login() if or_login else None
    data_directory = settings_of(data).storage.data
    try:
        connection = LocalSocket(data_directory)
    except NoLocalServer as error:
        if login is None:
            raise NoLocalServer(f"{error} {_three_ways(environment)}") from None
        yield _known(environment, login.token, login.url, None, "the stored sign-in (sheetport login)")
        return
    answer: dict[str, Any] = {}
    try:
        answer = connection.call("mint-environment-key", environment=environment, name=on_host(purpose), keep=keep)
        yield EnvironmentCaller(
            answer["url"], answer["token"], answer["environmentId"], answer["environment"], answer["isProd"], "minted"
        )
    finally:
        was_here = connection.close()
        if answer and not keep and not was_here:  # the server was started anew meanwhile
            with suppress(CommandError), local_socket(data_directory) as again:
                again.call("revoke", credentialId=answer["credentialId"])


@contextmanager
def user_caller(data: Path | None) -> Iterator[Client]:
    """The API as a user: FLATFILE_API_KEY when it is a user's token, else the stored sign-in, else the first
    administrator of the server on this machine, for as long as the context lasts. Raises CommandError."""
    key = os.environ.get("FLATFILE_API_KEY", "")
    login = read_login()
    if key.startswith(_USER_TOKENS):
        with Client(base_url(os.environ.get("FLATFILE_API_URL")), key) as client:
            yield client
    elif login is not None:
        with Client(login.url, login.token) as client:
            yield client
    else:
        with _local_user(data) as client:
            yield client


@contextmanager
def _local_user(data: Path | None) -> Iterator[Client]:
    try:
        connection = LocalSocket(settings_of(data).storage.data)
    except NoLocalServer as error:
        raise CommandError(
            f"{error} Sign in with 'sheetport login --url URL', or give a personal access token in FLATFILE_API_KEY, "
            "or run this where the server runs (--data DIR)."
        ) from None
    try:
        answer = connection.call("sign-in", name=on_host("command line"))
        with Client(answer["url"], answer["token"]) as client:
            yield client
    finally:
        connection.close()


def base_url(url: str | None) -> str:
    """A server's address without ``/v1`` and slashes at its end; by default the one on this machine."""
    return (url or DEFAULT_URL).strip().rstrip("/").removesuffix("/v1").rstrip("/")


def on_host(purpose: str) -> str:
    """The name by which people know a credential in lists."""
    return f"{purpose} on {platform.node() or 'this machine'}"[:255]


def _given_key(environment: str | None) -> tuple[str, str, str | None, str] | None:
    """(key, url, environment id, source) of the process's variables or of ``.env.NAME``."""
    key = os.environ.get("FLATFILE_API_KEY", "").strip()
    if key:
        url = base_url(os.environ.get("FLATFILE_API_URL"))
        return key, url, os.environ.get("FLATFILE_ENVIRONMENT_ID"), "FLATFILE_API_KEY"
    path = Path(f".env.{environment or DEFAULT_ENVIRONMENT}")
    if len(path.parts) != 1 or not path.is_file():
        return None
    variables = read_dotenv(path)
    if not variables.get("FLATFILE_API_KEY"):
        return None
    url = base_url(variables.get("FLATFILE_API_URL") or os.environ.get("FLATFILE_API_URL"))
    return variables["FLATFILE_API_KEY"].strip(), url, variables.get("FLATFILE_ENVIRONMENT_ID"), str(path)


def _known(environment: str | None, key: str, url: str, environment_id: str | None, source: str) -> EnvironmentCaller:
    """The caller of a key we were given: which of its environments is meant, and whether it is production."""
    try:
        with Client(url, key) as client:
            listed = client.data("GET", "/v1/environments", params={"pageSize": 1000})
    except CallError as error:
        if error.status == 403 and environment_id:  # a publishable key reads no environments
            return EnvironmentCaller(url, key, environment_id, environment_id, key.startswith("pk_prod_"), source)
        about = f"The key of {source} is not accepted by {url}: " if error.status else ""
        raise CommandError(f"{about}{error}") from None
    wanted = environment or environment_id
    found = [one for one in listed if wanted in (one["id"], one["name"])] if wanted else _by_default(listed)
    if not found:
        reached = ", ".join(f"{one['name']} ({one['id']})" for one in listed) or "none"
        raise CommandError(
            f"The key of {source} does not reach the environment {wanted!r}, only: {reached}. "
            "Take the key away or name one of these."
        )
    one = found[0]
    is_prod = bool(one["isProd"]) or key.startswith("sk_prod_")
    return EnvironmentCaller(url, key, one["id"], one["name"], is_prod, source)


def _by_default(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A key's only environment, else a user's ``development``."""
    return listed if len(listed) == 1 else [one for one in listed if one["name"] == DEFAULT_ENVIRONMENT]


def _three_ways(environment: str | None) -> str:
    return (
        "Start it with 'sheetport serve' (or name its --data DIR), or give a key in FLATFILE_API_KEY, "
        f"or put one into .env.{environment or DEFAULT_ENVIRONMENT} in this folder."
    )
