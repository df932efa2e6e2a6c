"""The authentication guide, word for word: environment files, the client, sign-in, tokens, client credentials."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from clients.conftest import Furnished
from clients.front import Front, running_front
from clients.guide import BASIC_ENV, BOTH_ENVS, CLIENT_CREDENTIALS, PASSWORD_SIGN_IN, SECRET_KEY, TOKEN, replaced
from clients.programs import run
from servers.commands import PROGRAM
from servers.sheetport import SheetportServer, clean_environment
from sheetport.preload import PRELOAD_PATH

Project = Callable[[str], Path]

API_VERSIONS = ["api-1.23.0", "api-1.23.1"]
SIGN_IN_HOST, CREDENTIALS_HOST = "api.x.flatfile.com", "platform.flatfile.com"
IMPORT = 'import api from "@flatfile/api";\n'
#: Prints what a snippet got, after the snippet's own lines.
SHOWN = "console.log(JSON.stringify(NAME.data.map((workbook) => workbook.id)));\n"


def run_js(project: Path, script: str, variables: Mapping[str, str], *options: str) -> str:
    """The output of an ES module under ``sheetport run``."""
    (project / "snippet.mjs").write_text(script)
    return run([PROGRAM, "run", *options, "--", "node", "snippet.mjs"], project, variables)


def listed(project: Path, variables: Mapping[str, str], *options: str) -> list[str]:
    """The ids the guide's ``api.workbooks.list()`` gets, by its snippet with one printing line."""
    return list(json.loads(run_js(project, SECRET_KEY + SHOWN.replace("NAME", "workbooks"), variables, *options)))


def curl(snippet: str, folder: Path, configuration: str = "") -> dict[str, Any]:
    """Runs a curl snippet in a shell; ``configuration`` is the reader's own ``.curlrc``."""
    (folder / ".curlrc").write_text(configuration)
    variables = {"CURL_HOME": str(folder), "NO_PROXY": "*", "no_proxy": "*"}
    return dict(json.loads(run(["bash", "-c", snippet], folder, variables)))


# --- environment files ---


def test_the_basic_env_file_is_all_a_program_needs(furnished: Furnished, node_project: Project) -> None:
    """Host aside, which the guide does not name: FLATFILE_API_URL says it."""
    server, project = furnished.server, node_project("api-1.23.0")
    values = {
        "sk_your_secret_key_here": server.development["secretKey"],
        "us_env_your_environment_id": server.development["id"],
    }
    (project / ".env").write_text(replaced(BASIC_ENV, values))
    script = "require('@flatfile/api').default.workbooks.list().then(({ data }) => console.log(JSON.stringify(["
    script += "data.map((w) => w.id), process.env.FLATFILE_ENVIRONMENT_ID, process.env.WEBHOOK_URL])))"
    (project / "list.cjs").write_text(script)
    command = ["sh", "-c", "set -a; . ./.env; exec node list.cjs"]
    seen = json.loads(run(command, project, {"FLATFILE_API_URL": server.url}))
    webhook = "https://your-app.com/webhook/flatfile"
    assert seen == [[furnished.workbooks["development"]], server.development["id"], webhook]


@pytest.mark.parametrize("environment", ["development", "production"])
def test_each_environments_pair_reaches_that_environment_only(
    furnished: Furnished, node_project: Project, environment: str
) -> None:
    server, project = furnished.server, node_project("api-1.23.1")
    values = {
        "sk_dev_your_development_key": server.development["secretKey"],
        "us_env_dev_your_dev_id": server.development["id"],
        "sk_prod_your_production_key": server.production["secretKey"],
        "us_env_prod_your_prod_id": server.production["id"],
    }
    dev, mark, prod = replaced(BOTH_ENVS, values).partition("# Production environment\n")
    (project / ".env.development").write_text(dev)
    (project / ".env.production").write_text(mark + prod)
    variables = {"FLATFILE_API_URL": server.url}
    got = listed(project, variables, "--environment", environment)
    assert got == [furnished.workbooks[environment]]


# --- the secret key ---


@pytest.mark.parametrize("packages", API_VERSIONS)
def test_the_snippet_lists_workbooks_by_secret_key(packages: str, furnished: Furnished, node_project: Project) -> None:
    """It prints nothing; that it ends well says that the list came, as the next test shows."""
    assert run_js(node_project(packages), SECRET_KEY, furnished.server.client_variables()) == ""


def test_a_key_that_is_none_fails_the_snippet(furnished: Furnished, node_project: Project, node: str) -> None:
    project = node_project("api-1.23.0")
    (project / "snippet.mjs").write_text(SECRET_KEY)
    command = [node, "--require", str(PRELOAD_PATH), "snippet.mjs"]
    with pytest.raises(AssertionError, match="401"):
        run(command, project, furnished.server.client_variables(token="sk_dev_none"))


def wrapped(opening: str) -> str:
    """The snippet after another opening, in a function: CommonJS has no await outside of one."""
    assert SECRET_KEY.startswith(IMPORT)
    body = SECRET_KEY.removeprefix(IMPORT) + SHOWN.replace("NAME", "workbooks")
    return f"{opening}\nasync function main() {{\n{body}}}\nmain();\n"


def common_js(project: Path) -> str:
    (project / "snippet.cjs").write_text(wrapped('const api = require("@flatfile/api").default;'))
    return "snippet.cjs"


def compiled(project: Path) -> str:
    (project / "snippet.ts").write_text(wrapped(IMPORT))
    options = ["--module", "commonjs", "--target", "es2022", "--esModuleInterop", "--skipLibCheck"]
    run(["node_modules/.bin/tsc", *options, "snippet.ts"], project, {})
    return "snippet.js"


def bundled(project: Path) -> str:
    """The snippet as it is, at the top of a module."""
    (project / "snippet.ts").write_text(SECRET_KEY + SHOWN.replace("NAME", "workbooks"))
    banner = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'
    options = ["--bundle", "--platform=node", "--format=esm", "--log-level=warning", f"--banner:js={banner}"]
    run(["node_modules/.bin/esbuild", "snippet.ts", *options, "--outfile=bundle.mjs"], project, {})
    (project / "node_modules").unlink()
    return "bundle.mjs"


@pytest.mark.parametrize("build", [common_js, compiled, bundled])
def test_1_23_0_needs_no_preload_in_other_forms(
    build: Callable[[Path], str], furnished: Furnished, node_project: Project, node: str
) -> None:
    project = node_project("bundle")
    program = build(project)
    got = json.loads(run([node, program], project, furnished.server.client_variables()))
    assert got == [furnished.workbooks["development"]]


@pytest.mark.parametrize(
    ("packages", "said"), [("api-1.23.0", "Cannot read properties of undefined"), ("api-1.23.1", "undefined")]
)
def test_the_snippet_as_an_es_module_needs_the_preload(
    packages: str, said: str, furnished: Furnished, node_project: Project, node: str
) -> None:
    """Why docs/start says so; should a later package do without, this says it."""
    project = node_project(packages)
    (project / "snippet.mjs").write_text(SECRET_KEY)
    with pytest.raises(AssertionError, match=said):
        run([node, "snippet.mjs"], project, furnished.server.client_variables())


# --- signing in with an address and a password ---


@pytest.fixture(scope="module")
def front(furnished: Furnished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The guide's two hosts, with TLS, before the module's server."""
    folder = tmp_path_factory.mktemp("front")
    with running_front(furnished.server.url, [SIGN_IN_HOST, CREDENTIALS_HOST], folder) as running:
        yield running


def configuration(front: Front) -> str:
    """A ``.curlrc`` by which the guide's hosts lie here: the commands themselves stay as they are."""
    return (
        f'connect-to = "{SIGN_IN_HOST}:80:127.0.0.1:{front.http_port}"\n'
        f'connect-to = "::127.0.0.1:{front.https_port}"\n'
        f'cacert = "{front.certificate}"\n'
    )


def signing_in(server: SheetportServer) -> str:
    return replaced(PASSWORD_SIGN_IN, {"your-email@domain.com": server.email, "your-password": server.password})


def check_token(furnished: Furnished, project: Path, answer: dict[str, Any]) -> None:
    """The token is what the guide's next snippet needs."""
    assert int(answer["expiresIn"]) == 86_400
    variables = furnished.server.client_variables(token=answer["accessToken"])
    shown = json.loads(run_js(project, TOKEN + SHOWN.replace("NAME", "result"), variables))
    assert furnished.workbooks["development"] in shown


def test_the_sign_in_works_as_written_through_a_redirect(
    furnished: Furnished, front: Front, node_project: Project, tmp_path: Path
) -> None:
    before = len(front.redirected), len(front.forwarded)
    answer = curl(signing_in(furnished.server), tmp_path, configuration(front))
    line = "POST /api/v1/auth"
    assert (front.redirected[before[0] :], front.forwarded[before[1] :]) == ([line], [line])
    check_token(furnished, node_project("api-1.23.0"), answer)


def test_the_sign_in_works_with_this_servers_host(furnished: Furnished, node_project: Project, tmp_path: Path) -> None:
    snippet = replaced(signing_in(furnished.server), {SIGN_IN_HOST: furnished.server.url.removeprefix("http://")})
    check_token(furnished, node_project("api-1.23.1"), curl(snippet, tmp_path))


def test_a_wrong_password_is_told_in_the_one_error_shape(furnished: Furnished, tmp_path: Path) -> None:
    snippet = replaced(signing_in(furnished.server), {furnished.server.password: "not it"})
    answer = curl(replaced(snippet, {SIGN_IN_HOST: furnished.server.url.removeprefix("http://")}), tmp_path)
    assert set(answer) == {"errors"}
    assert set(answer["errors"][0]) == {"key", "message"}


def sign_in(server: SheetportServer) -> str:
    """A token, by the call that the snippet makes."""
    answer = server.request("POST", "/v1/auth", {"email": server.email, "password": server.password})
    return str(answer.body["accessToken"])


@pytest.mark.parametrize("packages", API_VERSIONS)
def test_a_token_is_a_key_for_the_snippet_as_it_is(packages: str, furnished: Furnished, node_project: Project) -> None:
    token = sign_in(furnished.server)
    assert run_js(node_project(packages), TOKEN, furnished.server.client_variables(token=token)) == ""


# --- client credentials ---


@pytest.fixture
def credentials(furnished: Furnished) -> str:
    """The guide's snippet with a fresh pair; its host as written."""
    server = furnished.server
    path = f"/v1/users/{server.info['userId']}/api-token?tenantId={server.info['accountId']}"
    pair = server.request("POST", path, {}, sign_in(server)).body["data"]
    return replaced(CLIENT_CREDENTIALS, {"your-client-id": pair["clientId"], "your-client-secret": pair["secret"]})


def test_client_credentials_work_as_written(
    credentials: str, furnished: Furnished, front: Front, node_project: Project, tmp_path: Path
) -> None:
    check_token(furnished, node_project("api-1.23.0"), curl(credentials, tmp_path, configuration(front)))


def test_client_credentials_work_with_this_servers_host(
    credentials: str, furnished: Furnished, node_project: Project, tmp_path: Path
) -> None:
    snippet = replaced(credentials, {f"https://{CREDENTIALS_HOST}": furnished.server.url})
    check_token(furnished, node_project("api-1.23.1"), curl(snippet, tmp_path))


def test_an_untrusted_front_is_refused_by_curl(credentials: str, front: Front, tmp_path: Path) -> None:
    """The certificate counts: what the tests above show holds with TLS as it is meant."""
    (tmp_path / ".curlrc").write_text(f'connect-to = "::127.0.0.1:{front.https_port}"\n')
    variables = {"CURL_HOME": str(tmp_path), "NO_PROXY": "*", "no_proxy": "*"}
    done = subprocess.run(
        ["bash", "-c", credentials], env=clean_environment(variables), capture_output=True, timeout=60
    )
    assert done.returncode == 60
