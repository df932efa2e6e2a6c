"""The authentication guide's eight steps, as the first page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sheetport.web import snippets
from sheetport.web.snippets import CLIENT_ID, CLIENT_SECRET, DEV_KEY, PROD_KEY

__all__ = ["BEFORE", "CLIENT_ID", "CLIENT_SECRET", "DEV_KEY", "PROD_KEY", "STEPS", "Aside", "Snippet", "Step", "filled"]

BEFORE = snippets.BEFORE
_TOKEN = "your_personal_access_token"  # noqa: S105 - words of the guide
_SEND = "sheetport run -- sheetport listen"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A program and the command that runs it; ``is_guide`` when it is the guide's own."""

    text: str
    run: str = ""
    is_guide: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """What a step needs before or after its snippet."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its snippet per tab, what to know, and what else it needs."""

    number: int
    title: str
    hint: str
    tabs: Mapping[str, Snippet]
    asides: tuple[Aside, ...] = ()


def _guide(text: str, run: str = "") -> Snippet:
    return Snippet(text, run, is_guide=True)


def _node(name: str, arguments: str = "", before: str = "") -> str:
    return f"{before}node --env-file=.env --require ./preload.cjs {name}{arguments}"


def _python(name: str, before: str = "") -> str:
    return f"(set -a; . ./.env; {before}python {name})"


_SEND_JOB = Aside("Then send a job:ready event to it", snippets.SEND_JOB)
_START = Aside("start.mjs, which mounts any listener", snippets.START_NODE)

STEPS = (
    Step(
        1,
        "Basic .env configuration",
        "Save it as .env; the other tabs try it. Any call with a development secret key turns this green.",
        {
            ".env": _guide(snippets.ENV_FILE),
            "Node": Snippet(snippets.CHECK_NODE, _node("check.mjs")),
            "Python": Snippet(snippets.CHECK_PYTHON, _python("check.py")),
            "curl": Snippet(snippets.get_curl("/v1/environments", DEV_KEY)),
        },
    ),
    Step(
        2,
        "Development vs production",
        "Two pairs, for two files: neither key sees anything of the other environment. "
        "Any call with a production secret key turns this green.",
        {
            ".env": _guide(snippets.TWO_ENV_FILES),
            "Node": Snippet(snippets.PROD_NODE, "node production.mjs"),
            "Python": Snippet(snippets.PROD_PYTHON, "python production.py"),
            "curl": Snippet(snippets.get_curl("/v1/environments", PROD_KEY)),
        },
    ),
    Step(
        3,
        "Using secret keys (server-side)",
        "The key comes from .env.",
        {
            "Node": _guide(snippets.LIST_NODE, _node("list.mjs")),
            "Python": Snippet(snippets.LIST_PYTHON, _python("list_workbooks.py")),
            "curl": Snippet(snippets.get_curl("/v1/workbooks", DEV_KEY)),
        },
    ),
    Step(
        4,
        "Creating a token with email and password",
        "Put your password in. The accessToken of the answer is good for 24 hours.",
        {
            "curl": _guide(snippets.SIGN_IN_CURL),
            "Node": Snippet(snippets.PASSWORD_NODE, "node token.mjs"),
            "Python": Snippet(snippets.PASSWORD_PYTHON, "python token_by_password.py"),
        },
    ),
    Step(
        5,
        "Using the token in API requests",
        "Put the accessToken of step 4, or a personal access token, where the key was.",
        {
            "Node": _guide(snippets.AS_KEY_NODE, _node("token_list.mjs", before=f"FLATFILE_API_KEY={_TOKEN} ")),
            "Python": Snippet(snippets.LIST_PYTHON, _python("list_workbooks.py", f"FLATFILE_API_KEY={_TOKEN} ")),
            "curl": Snippet(snippets.get_curl("/v1/workbooks", _TOKEN)),
        },
    ),
    Step(
        6,
        "Legacy client credentials flow",
        "“Make client credentials” above fills in a pair of yours.",
        {
            "curl": _guide(snippets.CLIENT_CURL),
            "Node": Snippet(snippets.CLIENT_NODE, "node client.mjs"),
            "Python": Snippet(snippets.CLIENT_PYTHON, "python client.py"),
        },
    ),
    Step(
        7,
        "Using secrets in a listener",
        "Store the secrets, start the listener, send it a job. The guide leaves “data” to you: declare what you send.",
        {
            "Node": _guide(snippets.SECRETS_NODE, _node("start.mjs", " ./secrets.mjs")),
            "Python": Snippet(snippets.SECRETS_PYTHON, f"{_SEND} use_secrets.py"),
            "curl": Snippet(snippets.get_curl("/v1/secrets?environmentId={{DEV}}", DEV_KEY)),
        },
        (
            Aside(
                "First store the secrets, on the server's machine",
                "sheetport secrets set EXTERNAL_API_KEY\nsheetport secrets set WEBHOOK_URL\n",
            ),
            _START,
            _SEND_JOB,
        ),
    ),
    Step(
        8,
        "Environment-specific secrets",
        "Turns green when the space has a secret of its own and a call has read it.",
        {
            "Node": _guide(snippets.SCOPED_NODE, _node("start.mjs", " ./scoped.mjs")),
            "Python": Snippet(snippets.SCOPED_PYTHON, f"{_SEND} scoped.py"),
            "curl": Snippet(snippets.get_curl("/v1/secrets?environmentId={{DEV}}&spaceId={{SPACE}}", DEV_KEY)),
        },
        (
            Aside("If there is no space yet, make one and reload this page", snippets.MAKE_SPACE),
            Aside("First store the secret of the space", "sheetport secrets set API_TOKEN --space {{SPACE}}\n"),
            _SEND_JOB,
        ),
    ),
)


def filled(values: Mapping[str, str]) -> list[Step]:
    """The steps with ``values`` in the place of their ``{{NAMES}}``; each value is safe in a quoted JSON text."""
    return [
        replace(
            step,
            tabs={name: replace(tab, text=fill(tab.text, values, name)) for name, tab in step.tabs.items()},
            asides=tuple(Aside(aside.title, fill(aside.text, values, "curl")) for aside in step.asides),
        )
        for step in STEPS
    ]


def fill(text: str, values: Mapping[str, str], tab: str) -> str:
    """The text with the values in it; for curl they stand between single quotes of a shell."""
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value.replace("'", "'\\''") if tab == "curl" else value)
    return text
