"""A guest's way into a space, in a real browser with real mail: by invitation, by mail, by the space's address."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from servers.data_places import DataPlace
from servers.mail import Mailbox, running_mailbox
from servers.sheetport import EMAIL, PASSWORD, SheetportServer

#: Where to keep pictures of what is tested, when somebody wants to look at them.
PICTURES = os.environ.get("SHEETPORT_TEST_PICTURES")
SHEET = {"name": "People", "slug": "people", "fields": [{"key": "name", "type": "string"}]}


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with running_mailbox() as running:
        yield running


@pytest.fixture(scope="module")
def served(box: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SheetportServer]:
    server = SheetportServer(DataPlace("sqlite", tmp_path_factory.mktemp("guests") / "data", None), env=box.variables)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=[(1280, 800), (360, 740)], ids=["desk", "phone"])
def tab(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page on a desk and on a phone; what it logs as an error fails the test."""
    width, height = request.param
    said: list[str] = []
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        opened = context.new_page()
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        yield opened
    assert said == []


def make_space(server: SheetportServer, **more: Any) -> str:
    development = server.development
    body = {"name": "Harbour & Sons", "environmentId": development["id"], **more}
    space = server.request("POST", "/v1/spaces", body, development["secretKey"]).body["data"]["id"]
    book = {"name": "Crew list", "spaceId": space, "sheets": [SHEET]}
    assert server.request("POST", "/v1/workbooks", book, development["secretKey"]).status == 200
    return str(space)


def invite(server: SheetportServer, space: str, email: str) -> None:
    development = server.development
    guest = {"environmentId": development["id"], "email": email, "name": "Ada", "spaces": [{"id": space}]}
    made = server.request("POST", "/v1/guests", [guest], development["secretKey"]).body["data"][0]
    invites = [{"guestId": made["id"], "spaceId": space}]
    assert server.request("POST", "/v1/invitations", invites, development["secretKey"]).status == 200


def next_link(box: Mailbox, before: int) -> str:
    """The link of the next mail, once it is there."""
    end = time.monotonic() + 30
    while len(box.messages) <= before:
        assert time.monotonic() < end, "no mail came"
        time.sleep(0.05)
    return next(line for line in box.text(before).splitlines() if line.startswith("http"))


def requests_of(page: Page) -> list[Request]:
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request))  # noqa: PLW0108 - it is given attributes
    return seen


def picture(page: Page, name: str) -> None:
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("window.innerWidth"), "nothing sticks out to the side"
    if PICTURES:
        size = page.viewport_size
        page.screenshot(path=Path(PICTURES) / f"{name}-{size['width'] if size else 0}.png", full_page=True)


def test_an_invited_guest_comes_in_by_two_mails_and_no_token_stays_in_the_address(
    tab: Page, served: SheetportServer, box: Mailbox
) -> None:
    space, before = make_space(served, guestAuthentication=["magic_link"]), len(box.messages)
    email = f"ada{before}@example.com"
    invite(served, space, email)
    entry = next_link(box, before)
    seen = requests_of(tab)
    tab.goto(entry)
    expect(tab.get_by_role("heading", name="Look into your mail")).to_be_visible()
    picture(tab, "sent")
    tab.goto(next_link(box, before + 1))
    expect(tab.get_by_role("heading", name="Welcome")).to_be_visible()
    picture(tab, "confirm")
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading", name="Harbour & Sons")).to_be_focused()
    expect(tab.get_by_text("Crew list: People")).to_be_visible()
    picture(tab, "inside")
    assert tab.title() == "Harbour & Sons"
    assert tab.url == f"{served.url}/space/{space}"
    opened = [index for index, request in enumerate(seen) if "token=" in request.url]
    assert len(opened) == 2, "the two links themselves, and nothing after them"
    for index in opened:
        following = seen[index + 1]
        assert following.is_navigation_request(), "before anything else is asked for, the token is gone"
        assert following.url == f"{served.url}/space/{space}"
    tokens = [parse_qs(urlsplit(seen[index].url).query)["token"][0] for index in opened]
    for request in seen:
        headers = str({name: value for name, value in request.headers.items() if name != "authorization"})
        assert not any(token in headers for token in tokens)
    tab.reload()
    expect(tab.get_by_role("heading", name="Harbour & Sons")).to_be_visible()


def test_who_has_no_link_is_asked_for_their_address(tab: Page, served: SheetportServer, box: Mailbox) -> None:
    space, before = make_space(served, guestAuthentication=["magic_link"]), len(box.messages)
    email = f"grace{before}@example.com"
    invite(served, space, email)
    next_link(box, before)
    tab.goto(f"{served.url}/space/{space}")
    expect(tab.get_by_label("Email")).to_be_focused()
    picture(tab, "ask")
    tab.get_by_label("Email").fill(email)
    tab.get_by_role("button", name="Mail me a link").click()
    expect(tab.get_by_text(f"If {email} is a guest's address here")).to_be_visible()
    link = next_link(box, before + 1)
    tab.goto(link)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_text("Crew list: People")).to_be_visible()
    tab.evaluate("sessionStorage.clear()")
    tab.goto(link)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading", name="Look into your mail")).to_be_visible()


def test_a_shared_space_lets_anybody_in_by_its_address(tab: Page, served: SheetportServer) -> None:
    space = make_space(served)
    tab.goto(f"{served.url}/space/{space}")
    expect(tab.get_by_role("heading", name="Harbour & Sons")).to_be_visible()
    answer = tab.request.get(f"{served.url}/space/{space}?token=x")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in answer.headers["content-security-policy"]
    embedded = served.request("GET", f"/v1/spaces/{space}", token=served.development["secretKey"]).body["data"]
    tab.goto(embedded["guestLink"])
    expect(tab.get_by_text("Crew list: People")).to_be_visible()
    tab.goto(f"{served.url}/space/{space}?token=gst_nothing")
    expect(tab.get_by_text("Your link has been used, or has ended.")).to_be_visible()


@contextmanager
def site(frames: str) -> Iterator[str]:
    """A site whose every page shows an address in a frame; its origin."""
    content = f'<!doctype html><title>A site</title><iframe src="{frames}" width="600" height="600"></iframe>'.encode()

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is said of requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_page_of_a_listed_site_frames_a_space_and_one_of_another_site_does_not(
    browser: Browser, served: SheetportServer
) -> None:
    space = make_space(served, guestAuthentication=["shared_link"])
    with site(f"{served.url}/space/{space}") as listed, site(f"{served.url}/space/{space}") as other:
        signed_in = served.request("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}).body
        body = {"embeddedDomainWhitelist": [listed]}
        assert served.request("PATCH", "/v1/accounts/current", body, signed_in["accessToken"]).status == 200
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(listed)
            expect(page.frame_locator("iframe").get_by_role("heading", name="Harbour & Sons")).to_be_visible()
            page.goto(other)
            page.wait_for_function("() => frames.length === 1")
            (framed,) = page.main_frame.child_frames
            framed.wait_for_load_state()
            assert framed.url.startswith("chrome-error:")
            expect(page.frame_locator("iframe").get_by_role("heading", name="Harbour & Sons")).to_have_count(0)
