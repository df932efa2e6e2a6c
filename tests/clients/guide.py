"""The authentication guide's snippets, byte for byte; only host, ids and keys are replaced."""

from __future__ import annotations

from pathlib import Path

GUIDE = (Path(__file__).parents[1] / "data" / "authentication-guide.txt").read_text(encoding="utf-8")


def between(heading: str, after: str) -> str:
    """The text between the line ``heading`` and the line ``after``; each has to stand there exactly once."""
    text = f"\n{GUIDE}\n"
    for line in (heading, after):
        assert text.count(f"\n{line}\n") == 1, f"the guide has no single line {line!r}"
    return text.partition(f"\n{heading}\n")[2].partition(f"\n{after}\n")[0] + "\n"


BASIC_ENV = between("Basic .env Configuration", "Development vs Production")
BOTH_ENVS = between("Development vs Production", "API Authentication Examples")
SECRET_KEY = between("Using Secret Keys (Server-side)", "Using Personal Access Tokens")
PASSWORD_SIGN_IN = between("Creating a PAT via API", "Using PAT in API Requests")
TOKEN = between("Using PAT in API Requests", "Legacy Client Credentials Flow")
CLIENT_CREDENTIALS = between("Legacy Client Credentials Flow", "Secure Credential Management")
SECRETS = between("Using Flatfile Secrets", "Environment-specific Secrets")
SCOPED_SECRETS = between("Environment-specific Secrets", "Authentication Best Practices")


def replaced(snippet: str, values: dict[str, str]) -> str:
    """The snippet with each key of ``values`` replaced; each has to stand in it exactly once."""
    for old, new in values.items():
        assert snippet.count(old) == 1, f"{old!r} stands {snippet.count(old)} times in the snippet"
        snippet = snippet.replace(old, new)
    return snippet


def with_data(declaration: str) -> str:
    """The guide's listener with the one line it lacks: it sends ``data`` and never declares it."""
    line = "// Use credentials securely\n"
    return replaced(SECRETS, {line: f"const data = {declaration};\n{line}"})
