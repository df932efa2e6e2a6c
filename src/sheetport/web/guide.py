"""The authentication guide's eight steps. ``{{URL}}`` and such are filled in for the reader, keys by the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: What stands for a value that only the page's reader may reveal, by the kind the page asks for it.
DEV_KEY, PROD_KEY = "sk_dev_••••••••", "sk_prod_••••••••"
CLIENT_ID, CLIENT_SECRET = "your-client-id", "your-client-secret"
TOKEN = "your_personal_access_token"  # noqa: S105 - words of the guide


@dataclass(frozen=True, slots=True)
class Step:
    """One snippet: a text per tab, and what to know before running it."""

    number: int
    title: str
    hint: str
    tabs: Mapping[str, str]


def _python(token: str) -> str:
    return f"""import os
from flatfile import Flatfile

# {token}
api = Flatfile(base_url=os.environ["FLATFILE_API_URL"] + "/v1", token=os.environ["FLATFILE_API_KEY"])
print(api.workbooks.list())
"""


def _curl_list(key: str) -> str:
    return f"curl '{{{{URL}}}}/v1/workbooks' --header 'Authorization: Bearer {key}'\n"


def _post(library: str, body: Mapping[str, str]) -> str:
    pairs = "".join(f'  "{name}": "{value}",\n' for name, value in body.items()).rstrip(",\n")
    if library == "Python":
        return (
            f"import httpx\n\nanswer = httpx.post('{{{{URL}}}}/v1/auth', json={{\n{pairs}\n}})\nprint(answer.json())\n"
        )
    return (
        "const answer = await fetch('{{URL}}/v1/auth', {\n  method: 'POST',\n"
        f"  headers: {{ 'Content-Type': 'application/json' }},\n  body: JSON.stringify({{\n{pairs}\n}}),\n}});\n"
        "console.log(await answer.json());\n"
    )


_LISTENER = """export default function flatfileEventListener(listener) {
  listener.on("job:ready", async (event) => {
%s  });
}
"""
_PYTHON_LISTENER = """from sheetport.listener import Event, Listener

listener = Listener()


@listener.on("job:ready")
async def use_secrets(event: Event) -> None:
%s"""
_PASSWORD = {"email": "{{EMAIL}}", "password": "your-password"}
_CLIENT = {"clientId": CLIENT_ID, "secret": CLIENT_SECRET}
_RUN = "Save it as first.mjs or first.py and run it with 'sheetport run -- node first.mjs' (or python first.py)."
_SCOPE = '{\n      environmentId: "{{DEV}}",\n      spaceId: "us_spa_specific_space"\n    }'

STEPS = (
    Step(
        1,
        "Basic .env configuration",
        "Any call with a development secret key turns this green.",
        {
            ".env": f"FLATFILE_API_KEY={DEV_KEY}\nFLATFILE_ENVIRONMENT_ID={{{{DEV}}}}\n"
            "FLATFILE_API_URL={{URL}}\nAGENT_INTERNAL_URL={{URL}}\n"
        },
    ),
    Step(
        2,
        "Development and production",
        "Any call with a production secret key turns this green.",
        {
            ".env": f"# Development environment\nFLATFILE_API_KEY={DEV_KEY}\nFLATFILE_ENVIRONMENT_ID={{{{DEV}}}}\n\n"
            f"# Production environment\nFLATFILE_API_KEY={PROD_KEY}\nFLATFILE_ENVIRONMENT_ID={{{{PROD}}}}\n",
            "curl": _curl_list(PROD_KEY),
        },
    ),
    Step(
        3,
        "A secret key on your server",
        _RUN,
        {
            "Node": 'import api from "@flatfile/api";\n\n// The key is taken from FLATFILE_API_KEY\n'
            "const workbooks = await api.workbooks.list();\n",
            "Python": _python("The key is taken from FLATFILE_API_KEY"),
            "curl": _curl_list(DEV_KEY),
        },
    ),
    Step(
        4,
        "A token by email and password",
        "Put your password in. The answer's accessToken is good for 24 hours.",
        {
            "curl": "curl --location '{{URL}}/api/v1/auth' \\\n--header 'Accept: application/json' \\\n"
            "--header 'Content-Type: application/json' \\\n--data-raw '{\n"
            '"email": "{{EMAIL}}",\n"password": "your-password"\n}\'\n',
            "Node": _post("Node", _PASSWORD),
            "Python": _post("Python", _PASSWORD),
        },
    ),
    Step(
        5,
        "The token in place of the key",
        "Set FLATFILE_API_KEY to the accessToken of step 4, or to a personal access token.",
        {
            "Node": f'// FLATFILE_API_KEY={TOKEN}\nimport api from "@flatfile/api";\n\n'
            "const result = await api.workbooks.list();\n",
            "Python": _python(f"FLATFILE_API_KEY={TOKEN}"),
            "curl": _curl_list(TOKEN),
        },
    ),
    Step(
        6,
        "Client credentials",
        "'Make client credentials' above fills in an id and a secret of yours.",
        {
            "curl": "curl -X POST {{URL}}/api/v1/auth \\\n-H 'Content-Type: application/json' \\\n-d '{\n"
            f'"clientId": "{CLIENT_ID}",\n"secret": "{CLIENT_SECRET}"\n}}\'\n',
            "Node": _post("Node", _CLIENT),
            "Python": _post("Python", _CLIENT),
        },
    ),
    Step(
        7,
        "Secrets in a listener",
        "First store it: 'sheetport secrets set EXTERNAL_API_KEY'. Any job of the environment then runs this.",
        {
            "Node": _LISTENER % '    const apiKey = await event.secrets("EXTERNAL_API_KEY");\n',
            "Python": _PYTHON_LISTENER % '    api_key = await event.secrets("EXTERNAL_API_KEY")\n',
            "curl": "curl '{{URL}}/v1/secrets?environmentId={{DEV}}' "
            f"--header 'Authorization: Bearer {DEV_KEY}'\n",
        },
    ),
    Step(
        8,
        "Secrets of one environment and space",
        "First store it: 'sheetport secrets set API_TOKEN --space ID', with the space's id here as there.",
        {
            "Node": _LISTENER % f'    const credential = await event.secrets("API_TOKEN", {_SCOPE});\n',
            "Python": _PYTHON_LISTENER % "    credential = await event.secrets(\n"
            '        "API_TOKEN", environment_id="{{DEV}}", space_id="us_spa_specific_space"\n    )\n',
            "curl": "curl '{{URL}}/v1/secrets?environmentId={{DEV}}&spaceId=us_spa_specific_space' "
            f"--header 'Authorization: Bearer {DEV_KEY}'\n",
        },
    ),
)


def filled(values: Mapping[str, str]) -> list[Step]:
    """The steps with ``values`` in the place of their ``{{NAMES}}``."""
    return [
        Step(step.number, step.title, step.hint, {tab: _fill(text, values) for tab, text in step.tabs.items()})
        for step in STEPS
    ]


def _fill(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text
