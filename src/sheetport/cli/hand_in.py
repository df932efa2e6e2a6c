"""Hands found tokens in to a server, which revokes them."""

from __future__ import annotations

from sheetport.cli.caller import base_url
from sheetport.cli.client import Client
from sheetport.cli.options import err

#: As many as the server takes at once.
BATCH = 1_000


def hand_in(url: str, tokens: list[str]) -> None:
    """Revoke the tokens that the server at ``url`` knows; it does not say which. Raises CommandError."""
    with Client(base_url(url)) as client:
        for start in range(0, len(tokens), BATCH):
            client.call("POST", "/v1/credentials/revoke", {"credentials": tokens[start : start + BATCH]})
    err.print(f"{len(tokens)} handed in to {base_url(url)}: those that are its own are revoked.", markup=False)
