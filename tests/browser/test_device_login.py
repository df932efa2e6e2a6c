"""The page that lets a program in, in a real browser on a phone: what it shows, approving and denying."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from servers.sheetport import SheetportServer

Server = Callable[..., SheetportServer]
PHONE = {"width": 390, "height": 844}
CLIENT = "sheetport on laptop"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def shot(page: Page, name: str) -> None:
    """A screenshot for who looks at the pages: SHEETPORT_TEST_SHOTS names a folder."""
    folder = os.environ.get("SHEETPORT_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"{name} is {width} wide"


def begun(server: SheetportServer, **more: str) -> dict[str, str]:
    body = {"client_id": CLIENT, **more}
    return dict(server.request("POST", "/v1/oauth/device_authorization", body).body)


def fetched(server: SheetportServer, asked: dict[str, str]) -> dict[str, str]:
    body = {"grant_type": GRANT, "device_code": asked["device_code"], "client_id": CLIENT}
    return dict(server.request("POST", "/v1/oauth/token", body).body)


def test_a_person_signs_in_approves_one_program_and_denies_another(server: Server, browser: Browser) -> None:
    one = server()
    said: list[str] = []
    wanted, unwanted = begun(one), begun(one, scope="environment:read space:read")
    with browser.new_context(viewport=PHONE) as context:  # type: ignore[arg-type]  # a plain dict is one
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(wanted["verification_uri_complete"])
        page.get_by_label("Email").fill(one.email)
        page.get_by_label("Password").fill(one.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Code")).to_have_value(wanted["user_code"])
        shot(page, "device")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("#code")).to_have_text(wanted["user_code"])
        expect(page.locator("#client")).to_have_text(CLIENT)
        expect(page.get_by_text("everything that you may do")).to_be_visible()
        shot(page, "device-asks")
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("heading", name="Approved")).to_be_visible()
        shot(page, "device-approved")
        page.goto(f"{one.url}/device")
        page.get_by_label("Code").fill(unwanted["user_code"].lower())
        page.keyboard.press("Enter")
        expect(page.get_by_text("space:read")).to_be_visible()
        shot(page, "device-asks-less")
        page.get_by_role("button", name="Deny").click()
        expect(page.get_by_role("heading", name="Denied")).to_be_visible()
        shot(page, "device-denied")
    assert said == [], "the console must stay empty, also of refusals by the content security policy"
    token = fetched(one, wanted)["access_token"]
    assert one.request("GET", "/v1/environments", token=token).status == 200
    assert fetched(one, unwanted)["error"] == "access_denied"
