"""The preload in real Node.js programs with unmodified npm packages, against a server that is not Flatfile's."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from servers.listener_stub import ENVIRONMENT, KEY, Stub, listener_stub
from sheetport.preload import PRELOAD_PATH

Project = Callable[[str], Path]
API_VERSIONS = ["api-1.23.0", "api-1.23.1"]

REQUIRES = """
const { Client } = require("@flatfile/listener");
const { PubSubDriver } = require("@flatfile/listener-driver-pubsub");
"""
IMPORTS = """
import { Client } from "@flatfile/listener";
import { PubSubDriver } from "@flatfile/listener-driver-pubsub";
"""
LISTEN = """
const driver = new PubSubDriver(process.env.FLATFILE_ENVIRONMENT_ID);
let received = 0;
const listener = Client.create((client) => client.on("job:ready", (event) => {
  console.log("received", event.src.id);
  if (++received === 3) { driver.shutdown(); setTimeout(() => process.exit(0), 300); }
}));
driver.mountEventHandler(listener);
driver.start().then(() => console.log("connected"));
"""


@pytest.fixture
def stub() -> Iterator[Stub]:
    with listener_stub() as running:
        yield running


def run(node: str, project: Path, script: str, address: str, name: str = "program.mjs", preload: bool = True) -> str:
    """Runs a program as ``sheetport run`` would; returns its output, which must come without an error."""
    done = start(node, project, script, address, name, preload)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, f"{out}\n{err}"
    return out.strip()


def start(
    node: str, project: Path, script: str, address: str, name: str, preload: bool = True, trust: Path | None = None
) -> subprocess.Popen[str]:
    (project / name).write_text(script)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("FLATFILE_", "AGENT_", "NODE_"))}
    env |= {
        "FLATFILE_API_URL": address,
        "FLATFILE_API_KEY": KEY,
        "FLATFILE_BEARER_TOKEN": KEY,
        "FLATFILE_ENVIRONMENT_ID": ENVIRONMENT,
    }
    if trust:
        env["NODE_EXTRA_CA_CERTS"] = str(trust)
    command = [node, *(["--require", str(PRELOAD_PATH)] if preload else []), name]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=project, env=env, text=True, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("packages", API_VERSIONS)
def test_the_default_import_of_an_es_module_is_the_default_client(
    packages: str, node: str, node_project: Project, stub: Stub
) -> None:
    script = 'import api from "@flatfile/api"; console.log((await api.workbooks.list()).data[0].id)'
    assert run(node, node_project(packages), script, stub.url) == "us_wb_1"
    assert [call.path for call in stub.calls] == ["/v1/workbooks"]
    assert "keep-alive" not in stub.calls[0].headers


@pytest.mark.parametrize("packages", API_VERSIONS)
def test_every_other_way_to_the_client_works_as_before(
    packages: str, node: str, node_project: Project, stub: Stub
) -> None:
    script = """
    import api, { FlatfileClient, Flatfile } from "@flatfile/api";
    import * as all from "@flatfile/api";
    import { createRequire } from "node:module";
    const required = createRequire(import.meta.url)("@flatfile/api");
    const same = api.default === required.default && api.default.workbooks === api.workbooks;
    const known = api.default instanceof FlatfileClient && typeof Flatfile === "object";
    const names = Object.keys(required).sort().join();
    const ids = [];
    for (const client of [api.default, new FlatfileClient(), required.default, all.default.default])
      ids.push((await client.workbooks.list()).data[0].id);
    console.log(same, known, names, ids.join());
    """
    names = "Flatfile,FlatfileClient,FlatfileEnvironment,FlatfileError,FlatfileTimeoutError,default"
    expected = f"true true {names} us_wb_1,us_wb_1,us_wb_1,us_wb_1"
    assert run(node, node_project(packages), script, stub.url) == expected


def test_a_commonjs_program_reaches_every_resource_of_the_client(node: str, node_project: Project, stub: Stub) -> None:
    script = """
    const api = require("@flatfile/api");
    const resources = ["jobs", "secrets", "events", "records", "spaces", "files"];
    console.log(resources.every((name) => api[name] && api[name] === api.default[name]));
    """
    assert run(node, node_project("api-1.23.1"), script, stub.url, "program.cjs") == "true"


def test_without_the_preload_version_1_23_1_reaches_no_server(node: str, node_project: Project, stub: Stub) -> None:
    """Why the Keep-Alive header is dropped: should a later Node.js accept it, this says so."""
    script = """
    require("@flatfile/api").default.workbooks.list({}, { maxRetries: 0 })
      .catch((error) => { console.log(error.message); process.exit(); });
    """
    project = node_project("api-1.23.1")
    assert "fetch failed" in run(node, project, script, stub.url, "program.cjs", preload=False)
    assert stub.calls == []


@pytest.mark.parametrize("packages", ["pubsub-1.23.0", "api-1.23.1"])
@pytest.mark.parametrize("modules", ["cjs", "mjs"])
def test_the_pubsub_driver_receives_events_from_this_server(
    packages: str, modules: str, node: str, node_project: Project, stub: Stub
) -> None:
    script = (REQUIRES if modules == "cjs" else IMPORTS) + LISTEN
    receive_three(start(node, node_project(packages), script, stub.url, f"listen.{modules}"), stub)
    polls = stub.of("/v2/subscribe/")
    assert polls[0].path == f"/v2/subscribe/sub-c-1/environment.{ENVIRONMENT}/0"
    assert polls[0].headers["host"] == stub.url.removeprefix("http://")
    assert "stream-token-1" in polls[0].query["auth"]
    assert len({poll.connection for poll in polls}) == 1, "the long polls share one kept connection"
    assert len(stub.of("/leave")) == 1


@pytest.mark.parametrize("suffix", ["/", "/v1", "/api", "/api/v1"])
def test_the_stream_is_found_whatever_the_address_ends_in(
    suffix: str, node: str, node_project: Project, stub: Stub
) -> None:
    # Only the redirect is to see the suffix: the API client joins its own /v1.
    script = f"process.env.FLATFILE_API_URL = {stub.url!r};\n{REQUIRES}{LISTEN}"
    receive_three(start(node, node_project("pubsub-1.23.0"), script, stub.url + suffix, "listen.cjs"), stub)
    assert stub.of("/v2/subscribe/")[0].path.startswith("/v2/")


def test_the_stream_of_a_server_behind_tls_is_reached_and_its_certificate_checked(
    node: str, node_project: Project, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    project = node_project("pubsub-1.23.0")
    with listener_stub(tls=context) as stub:
        receive_three(start(node, project, REQUIRES + LISTEN, stub.url, "listen.cjs", trust=certificate), stub)
        assert len({poll.connection for poll in stub.of("/v2/subscribe/")}) == 1
        read = 'require("https").get("https://ps1.pndsn.com/time/0").on("error", (e) => console.log(e.code))'
        assert run(node, project, read, stub.url, "read.cjs") == "DEPTH_ZERO_SELF_SIGNED_CERT"


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sheetport test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    clear = serialization.NoEncryption()
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(pem))
    files[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, clear))
    return files


def receive_three(program: subprocess.Popen[str], stub: Stub) -> None:
    """Publishes three events once the program is connected; it has to receive each once, in order, and end."""
    _publish_when_connected(program, stub)
    out, err = program.communicate(timeout=30)
    assert program.returncode == 0, err
    assert [line for line in out.splitlines() if line.startswith("received")] == [f"received e{n}" for n in (1, 2, 3)]


def _publish_when_connected(program: subprocess.Popen[str], stub: Stub) -> None:
    assert program.stdout is not None
    for line in program.stdout:
        if line.startswith("connected"):
            break
    for number in (1, 2, 3):
        stub.publish({"id": f"e{number}", "topic": "job:ready", "domain": "workbook", "context": {}, "payload": {}})


def test_other_programs_are_left_alone(node: str, tmp_path: Path, stub: Stub) -> None:
    """No Flatfile package in sight: fetch, http and https behave as they do without the preload."""
    script = """
    import https, { request } from "node:https";
    import assert from "node:assert";
    const base = process.env.FLATFILE_API_URL;
    const headers = { Authorization: "Bearer " + process.env.FLATFILE_API_KEY, "X-Mine": "1" };
    const options = [{ headers }, { headers: new Headers(headers) }, { headers: Object.entries(headers) }];
    for (const init of options) assert.equal((await fetch(base + "/v1/workbooks", init)).status, 200);
    assert.equal((await fetch(new Request(base + "/v1/workbooks", { headers }))).status, 200);
    await assert.rejects(fetch("not an address"));
    await assert.rejects(fetch(base, { headers: 5 }));
    assert.throws(() => https.request("not an address"), { code: "ERR_INVALID_URL" });
    const refused = (send) => new Promise((done) => send().on("error", (error) => done(error.code)));
    for (const send of [
      () => https.get("https://127.0.0.1:1/x"),
      () => https.get({ host: "127.0.0.1", port: 1 }),
      () => request(new URL("https://127.0.0.1:1/x"), { method: "POST" }).end(),
      () => request("https://pndsn.com.example.invalid/").end(),
    ]) assert.match(await refused(send), /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/);
    console.log("done");
    """
    assert run(node, tmp_path, script, stub.url) == "done"
    assert {call.path for call in stub.calls} == {"/v1/workbooks"}


@pytest.mark.parametrize("address", ["", "not an address", "ftp://files.example"])
def test_an_absent_or_unusable_address_does_not_stop_a_program(node: str, tmp_path: Path, address: str) -> None:
    assert run(node, tmp_path, "console.log(typeof fetch)", address) == "function"


def test_the_requests_for_the_stream_go_to_the_server_in_every_form(node: str, tmp_path: Path, stub: Stub) -> None:
    script = """
    import https, { get } from "node:https";
    const read = (send) => new Promise((done, fail) => send((answer) => {
      answer.setEncoding("utf8"); let text = "";
      answer.on("data", (part) => (text += part)).on("end", () => done(answer.statusCode + text));
    }).on("error", fail));
    const url = "https://ps7.pndsn.com/time/0?x=1";
    console.log(await read((done) => https.get(url, done)));
    console.log(await read((done) => get(new URL(url), { headers: { Host: "ps7.pndsn.com" } }, done)));
    console.log(await read((done) => https.request({ hostname: "ps7.pndsn.com", path: "/time/0?x=1" }, done).end()));
    """
    assert run(node, tmp_path, script, stub.url).splitlines() == ["200[17000000000000000]"] * 3
    assert [call.query for call in stub.calls] == [{"x": ["1"]}] * 3
    assert {call.headers["host"] for call in stub.calls} == {stub.url.removeprefix("http://")}
