"""A real OpenID provider (npm's oidc-provider) for tests of single sign-on, and a browser that signs in there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from joserfc.jwk import ECKey, OKPKey, RSAKey

from servers.node import PACKAGES, install_packages, make_project, node_tools

NAME = "oidc-provider"
CLIENT, SECRET = "sheetport", "of the tests, and: 100% odd"


@dataclass
class OpenIdProvider:
    """One that runs. ``keys`` are its own, private parts and all: what it signs, a test can sign otherwise."""

    issuer: str
    keys: dict[str, Any] = field(repr=False)

    def sign_in(self, url: str, login: str) -> str:
        """Go to ``url`` as a browser and sign in as ``login`` ("": press Cancel); where it is sent back to."""
        with httpx.Client(timeout=10, trust_env=False) as browser:
            reply = browser.get(url)
            for _ in range(8):
                if reply.status_code not in {302, 303}:
                    assert "/interaction/" in str(reply.url), reply.text[:500]
                    sent = {"login": login} if login else {"cancel": ""}
                    reply = browser.post(reply.url, data=sent)
                    continue
                place = urljoin(str(reply.url), reply.headers["location"])
                if not place.startswith(self.issuer):
                    return place
                reply = browser.get(place)
        raise AssertionError(f"the provider leads nowhere: {reply.status_code} {reply.text[:500]}")


def new_keys() -> dict[str, Any]:
    """A fresh private key of each kind, by the algorithm that it signs by."""
    made: dict[str, Any] = {
        "RS256": RSAKey.generate_key(2048),
        "ES256": ECKey.generate_key("P-256"),
        "EdDSA": OKPKey.generate_key("Ed25519"),
    }
    return {name: key.as_dict(private=True) | {"kid": name, "use": "sig"} for name, key in made.items()}


@contextmanager
def running_provider(folder: Path, accounts: list[dict[str, Any]], **more: Any) -> Iterator[OpenIdProvider]:
    """A provider with these accounts: ``login``, ``claims``, ``amr``."""
    home = make_project(install_packages(NAME), folder)
    script = folder / "provider.mjs"
    script.write_text((PACKAGES / NAME / "provider.mjs").read_text())
    keys = new_keys()
    client = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": ["http://127.0.0.1/sso/any/callback"]}
    wanted = {"accounts": accounts, "clients": [client], "jwks": {"keys": list(keys.values())}, **more}
    wanted |= {"callback": r"^http://(127\.0\.0\.1|localhost):\d+/sso/[A-Za-z0-9_]+/callback$"}
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(
        [node_tools().node, str(script), json.dumps(wanted)],
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer.startswith("http://127.0.0.1:"), f"the provider did not start in {folder}"
        yield OpenIdProvider(issuer, keys)
    finally:
        process.kill()
        process.communicate()
