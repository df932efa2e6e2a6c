"""The first page in a real browser against a real server: set-up, keys, and the guide run as the page shows it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from servers.commands import PROGRAM
from servers.node import node_major
from servers.sheetport import SheetportServer, clean_environment
from sheetport.preload import PRELOAD_PATH

Server = Callable[..., SheetportServer]
#: Node reads the page's .env itself from this version on; older ones are given its lines as the environment.
READS_ENV_FILES = 20

#: The contrast of every visible text with the nearest ground behind it, by the formula of WCAG 2.
CONTRASTS = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const found = parts(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    const [one, other] = [parts(getComputedStyle(node).color), ground(node)].map(light).sort((a, b) => b - a);
    found.push({ text: node.textContent.trim().slice(0, 40), ratio: (one + 0.05) / (other + 0.05) });
  }
  return found;
}"""


@pytest.fixture
def watched(browser: Browser) -> Iterator[Page]:
    """A page with a clipboard; what it logs as an error, or asks of another origin, fails the test."""
    said: list[str] = []
    asked: set[str] = set()
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        tab = context.new_page()

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                said.append(message.text)

        def on_request(request: Request) -> None:
            asked.add(request.url.partition("://")[2].partition("/")[0])

        tab.on("console", on_console)
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", on_request)
        yield tab
    assert said == [], "the browser's console must stay empty, also of refusals by the content security policy"
    assert len(asked) == 1, f"requests went to {asked}"


def sign_in(page: Page, server: SheetportServer) -> None:
    page.goto(server.url)
    page.get_by_label("Email").fill(server.email)
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("[data-step]")).to_have_count(8)


def reveal(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("button", name=button)).to_be_disabled()
    expect(page.locator("#told")).to_contain_text("Filled into the snippets")


def snippet(page: Page, step: int, tab: str) -> str:
    """What a tab of a step shows, once it is chosen as a reader would."""
    page.locator(f"#step-{step}").get_by_role("tab", name=tab, exact=True).click()
    return page.locator(f"#step-{step} [data-tab='{tab}'] pre").first.inner_text()


def command(page: Page, step: int) -> str:
    """The command under the chosen tab of a step."""
    return page.locator(f"#step-{step} [role=tabpanel]:not([hidden]) .run pre").inner_text()


def aside(page: Page, step: int, title: str) -> str:
    block = page.locator(f"#step-{step} details", has_text=title)
    if block.get_attribute("open") is None:
        block.locator("summary").click()
    return block.locator("pre").inner_text()


def expect_state(page: Page, step: int, state: str) -> None:
    expect(page.locator(f"#step-{step} .mark")).to_have_attribute("data-state", state, timeout=15_000)


def test_the_first_administrator_sets_a_password_by_the_link(server: Server, watched: Page, tmp_path: Path) -> None:
    one = server()
    made = one.command("account", "link", "--data", str(one.data))
    assert made.returncode == 0, made.stderr
    watched.goto(made.stdout.strip())
    assert watched.url == f"{one.url}/setup"
    watched.get_by_label("Email").fill("grace@example.com")
    watched.get_by_label("Password", exact=True).fill("five words make a password")
    watched.get_by_label("Show the password").check()
    expect(watched.locator("#password")).to_have_attribute("type", "text")
    watched.get_by_role("button", name="Set password and sign in").click()
    expect(watched.locator("[data-step]")).to_have_count(8)
    expect(watched.get_by_text("grace@example.com").first).to_be_visible()
    watched.get_by_role("button", name="Sign out").click()
    expect(watched.get_by_role("button", name="Sign in")).to_be_visible()


def test_keys_are_masked_until_revealed_and_again_after_a_reload(server: Server, watched: Page) -> None:
    one = server()
    sign_in(watched, one)
    assert re.search(r"sk_(dev|prod)_[A-Za-z0-9]{8}", watched.content()) is None
    reveal(watched, "Reveal a development key")
    shown = snippet(watched, 1, ".env")
    key = re.search(r"FLATFILE_API_KEY=(sk_dev_[A-Za-z0-9]+)\n", shown)
    assert key is not None
    assert key[1] in snippet(watched, 3, "curl")
    watched.locator("#step-1").get_by_role("tab", name=".env").click()
    watched.get_by_role("button", name="Copy the .env snippet of step 1").click()
    assert watched.evaluate("navigator.clipboard.readText()").strip() == shown.strip()
    assert one.request("GET", "/v1/environments", token=key[1]).status == 200
    watched.reload()
    assert key[1] not in watched.content()
    watched.get_by_role("button", name="Copy the .env snippet of step 1").click()
    expect(watched.get_by_text("Copied, with the key still masked")).to_be_visible()


class Reader:
    """Somebody who follows the page: saves what it shows into a folder, and runs its commands there."""

    def __init__(self, page: Page, server: SheetportServer, folder: Path, node: str) -> None:
        self.page, self.server, self.folder = page, server, folder
        self._old_node = node_major(node) < READS_ENV_FILES
        path = [str(Path(PROGRAM).parent), str(Path(node).parent), os.environ["PATH"]]
        self._env = {**clean_environment(), "SHEETPORT_DATA": str(server.data), "PATH": os.pathsep.join(path)}

    def save(self, step: int, tab: str, name: str) -> None:
        (self.folder / name).write_text(snippet(self.page, step, tab))

    def shell(self, text: str, stdin: str = "") -> str:
        """The output of a command, which has to succeed."""
        done = subprocess.run(
            ["bash", "-ec", self._runnable(text)],
            cwd=self.folder,
            env=self._env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def listening(self, start: str) -> Iterator[None]:
        """A listener started by the page's command and connected, until the context ends."""
        process = subprocess.Popen(
            ["bash", "-ec", self._runnable(start)],
            cwd=self.folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            seen: list[str] = []
            while not any("connected" in line.lower() for line in seen):
                line = process.stdout.readline()
                assert line, f"{start} ended: {seen}"
                seen.append(line)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=30)

    def _runnable(self, text: str) -> str:
        return text.replace("node --env-file=.env", "set -a; . ./.env; node") if self._old_node else text


def follow_tokens(reader: Reader) -> None:
    """Steps 1 to 6, each seen green."""
    page, server = reader.page, reader.server
    (reader.folder / "preload.cjs").write_bytes(PRELOAD_PATH.read_bytes())
    reader.save(1, ".env", ".env")
    reader.shell(snippet(page, 1, "curl"))
    expect_state(page, 1, "seen")
    reader.save(2, ".env", "both.env")  # of two pairs in one file the second holds
    reader.shell(f'. ./both.env; curl -sf {server.url}/v1/spaces -H "Authorization: Bearer $FLATFILE_API_KEY"')
    expect_state(page, 2, "seen")
    reader.save(3, "Node", "list.mjs")
    reader.shell(command(page, 3))
    expect_state(page, 3, "seen")
    answer = json.loads(reader.shell(snippet(page, 4, "curl").replace("your-password", server.password)))
    expect_state(page, 4, "seen")
    reader.save(5, "Node", "token_list.mjs")
    reader.shell(command(page, 5).replace("your_personal_access_token", answer["accessToken"]))
    expect_state(page, 5, "seen")
    assert "accessToken" in json.loads(reader.shell(snippet(page, 6, "curl")))
    expect_state(page, 6, "seen")


def follow_secrets(reader: Reader) -> None:
    """Steps 7 and 8, each seen green."""
    page = reader.page
    (reader.folder / "start.mjs").write_text(aside(page, 7, "start.mjs"))
    for line in aside(page, 7, "First store the secrets").splitlines():
        reader.shell(line, stdin="http://127.0.0.1:9/nowhere\n")
    reader.save(7, "Node", "secrets.mjs")
    with reader.listening(command(page, 7)):
        reader.shell(aside(page, 7, "Then send"))
        expect_state(page, 7, "seen")
    expect_state(page, 8, "waiting")
    reader.shell(aside(page, 8, "First store the secret"), stdin="a token\n")
    reader.save(8, "Node", "scoped.mjs")
    with reader.listening(command(page, 8)):
        reader.shell(aside(page, 8, "Then send"))
        expect_state(page, 8, "seen")


def test_the_eight_snippets_turn_green_and_a_revoked_key_red(
    server: Server, watched: Page, node: str, node_project: Callable[[str], Path]
) -> None:
    one = server()
    key = one.development["secretKey"]
    assert one.request("POST", "/v1/spaces", {"name": "s", "environmentId": one.development["id"]}, key).status == 200
    sign_in(watched, one)
    for button in ("Reveal a development key", "Reveal a production key", "Make client credentials"):
        reveal(watched, button)
    reader = Reader(watched, one, node_project("api-1.23.1"), node)
    follow_tokens(reader)
    follow_secrets(reader)
    expect(watched.locator("#progress")).to_have_text("8 of 8 seen")
    assert watched.locator('.mark[data-state="seen"]').count() == 8

    revealed = snippet(watched, 1, ".env").partition("FLATFILE_API_KEY=")[2].partition("\n")[0]
    path = f"/v1/auth/api-key?environmentId={one.development['id']}&key={revealed}"
    token = one.request("POST", "/v1/auth", {"email": one.email, "password": one.password}).body["accessToken"]
    assert one.request("DELETE", path, token=token).status == 200
    assert one.request("GET", "/v1/workbooks", token=revealed).status == 401
    expect_state(watched, 3, "failed")
    expect(watched.locator("#step-3 .reason")).to_contain_text("was revoked on")
    expect(watched.locator("#step-1 .reason")).to_contain_text("Make a new one")


def test_every_tab_of_the_calls_runs_as_shown(
    server: Server, watched: Page, node: str, node_project: Callable[[str], Path]
) -> None:
    one = server()
    sign_in(watched, one)
    for button in ("Reveal a development key", "Reveal a production key", "Make client credentials"):
        reveal(watched, button)
    reader = Reader(watched, one, node_project("api-1.23.1"), node)
    (reader.folder / "preload.cjs").write_bytes(PRELOAD_PATH.read_bytes())
    reader.save(1, ".env", ".env")
    token = one.request("POST", "/v1/auth", {"email": one.email, "password": one.password}).body["accessToken"]
    for step in (1, 2, 3, 4, 5, 6):
        for tab in ("Node", "Python", "curl"):
            shown = snippet(watched, step, tab).replace("your-password", one.password)
            shown = shown.replace("your_personal_access_token", token)
            if tab == "curl":
                assert '"errors"' not in reader.shell(shown)
                continue
            run = command(watched, step).replace("your_personal_access_token", token)
            name = re.findall(r"[a-z_]+\.(?:mjs|py)", run)[-1]
            (reader.folder / name).write_text(shown)
            assert '"errors"' not in reader.shell(run)


def test_the_page_fits_and_reads_well_on_every_screen(server: Server, watched: Page) -> None:
    sign_in(watched, server())
    for scheme, width in product(("light", "dark"), (390, 1100)):
        watched.emulate_media(color_scheme=scheme)
        watched.set_viewport_size({"width": width, "height": 844})
        watched.reload()
        assert watched.evaluate("document.documentElement.scrollWidth") == width
        dim = watched.evaluate(CONTRASTS)
        assert len(dim) > 50
        assert [entry for entry in dim if entry["ratio"] < 4.5] == [], (scheme, width)


def test_everything_can_be_reached_by_keyboard(server: Server, watched: Page) -> None:
    sign_in(watched, server())
    watched.keyboard.press("Tab")
    expect(watched.get_by_role("link", name="Skip to content")).to_be_focused()
    first = watched.locator("#step-3").get_by_role("tab", name="Node")
    first.focus()
    watched.keyboard.press("ArrowRight")
    expect(watched.locator("#step-3").get_by_role("tab", name="Python")).to_be_focused()
    for step in (3, 4, 5, 6, 7, 8):
        expect(watched.locator(f"#step-{step} [data-tab='Python']")).to_be_visible()
    watched.keyboard.press("End")
    expect(watched.locator("#step-3 [data-tab='curl']")).to_be_visible()
