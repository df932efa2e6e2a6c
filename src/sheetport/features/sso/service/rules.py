"""What a connection may say: every field checked, alone and beside the others."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from sheetport.features.sso.model import (
    MAX_CLIENT_ID,
    MAX_DOMAINS,
    MAX_ISSUER,
    MAX_NAME,
    MAX_SECRET,
    NEW_USER_ROLES,
)
from sheetport.kernel.errors import Invalid
from sheetport.kernel.permissions import BuiltInRole

_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
#: What may stand in a client id and a secret (RFC 6749, appendix A).
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


def checked_name(name: str) -> str:
    """The name as it stands on a button. Raises Invalid."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Invalid(f"name must have 1 to {MAX_NAME} characters, without control characters.", "name")
    return name


def checked_issuer(issuer: str) -> str:
    """The issuer, exactly as tokens name it. Raises Invalid."""
    issuer = issuer.strip()
    if len(issuer) > MAX_ISSUER or not is_safe_url(issuer) or "?" in issuer or "#" in issuer:
        raise Invalid(
            "issuer must be an https:// address without query and fragment, such as https://id.example.com; http:// is"
            " for this machine only.",
            "issuer",
        )
    return issuer


def checked_client_id(client_id: str) -> str:
    """Raises Invalid."""
    if len(client_id) > MAX_CLIENT_ID or not _PRINTABLE.fullmatch(client_id):
        raise Invalid(f"clientId must have 1 to {MAX_CLIENT_ID} printable ASCII characters.", "clientId")
    return client_id


def checked_secret(secret: str) -> str:
    """Raises Invalid."""
    if len(secret) > MAX_SECRET or not _PRINTABLE.fullmatch(secret):
        raise Invalid(f"clientSecret must have 1 to {MAX_SECRET} printable ASCII characters.", "clientSecret")
    return secret


def checked_domains(domains: tuple[str, ...]) -> tuple[str, ...]:
    """The domains in lower case, each once. Raises Invalid."""
    found = tuple(dict.fromkeys(each.strip().lower().removeprefix("@") for each in domains))
    if not 1 <= len(found) <= MAX_DOMAINS or not all(map(_DOMAIN.fullmatch, found)):
        message = f"domains must be 1 to {MAX_DOMAINS} domains of addresses, such as example.com; no *."
        raise Invalid(message, "domains")
    return found


def checked_role(name: str) -> BuiltInRole | None:
    """The role of new users, None for "". Raises Invalid."""
    if not name:
        return None
    found = next((each for each in NEW_USER_ROLES if each.value.lower() == name.lower()), None)
    if found is None:
        allowed = ", ".join(NEW_USER_ROLES)
        raise Invalid(f"newUsers must be one of {allowed}, or empty: then no users are made.", "newUsers")
    return found


def is_safe_url(url: str) -> bool:
    """Whether an address is https://, or http:// of this very machine."""
    try:
        found = urlsplit(url)
        host, _ = found.hostname or "", found.port
    except ValueError:
        return False
    if not host or found.username is not None or found.password is not None or not _PRINTABLE.fullmatch(url):
        return False
    return found.scheme == "https" or (found.scheme == "http" and _is_here(host))


def domain_of(email: str) -> str:
    """The domain of an address, as domains are kept."""
    return email.rpartition("@")[2].lower()


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
