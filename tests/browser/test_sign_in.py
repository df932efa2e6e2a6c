"""Passkeys and the authenticator app in a real browser, on a phone, with Chromium's own virtual authenticator."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pyotp
from playwright.sync_api import Browser, Page, expect

from servers.sheetport import SheetportServer

Server = Callable[..., SheetportServer]
PHONE = {"width": 390, "height": 844}


def shot(page: Page, name: str) -> None:
    """A screenshot for who looks at the pages: SHEETPORT_TEST_SHOTS names a folder."""
    folder = os.environ.get("SHEETPORT_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"{name} is {width} wide"


def with_authenticator(page: Page) -> None:
    """A passkey store in the device, unlocked by its user's finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def give_password(page: Page, server: SheetportServer) -> None:
    page.get_by_label("Email").fill(server.email)
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Sign in").click()


def test_a_person_adds_a_passkey_and_an_app_and_signs_in_by_each(server: Server, browser: Browser) -> None:
    one = server()
    said: list[str] = []
    with browser.new_context(viewport=PHONE) as context:  # type: ignore[arg-type]  # a plain dict is one
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        with_authenticator(page)
        page.goto(one.url.replace("127.0.0.1", "localhost"))
        shot(page, "sign-in")
        give_password(page, one)
        page.get_by_role("link", name="Security").click()
        shot(page, "security")
        page.get_by_label("Name of a new passkey").fill("Phone")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
        assert len(page.locator("#new-codes pre").inner_text().split()) == 10
        shot(page, "passkey-codes")
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_text("Phone", exact=True)).to_be_visible()
        app = set_up_app(page)
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("link", name="Security")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        give_password(page, one)
        expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        shot(page, "code")
        page.get_by_label("Code").fill(app.at(time.time() + 30))  # the present one has set the app up
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Security").click()
        expect(page.get_by_text("by password and app").first).to_be_visible()
        shot(page, "security-full")
    assert said == [], "the console must stay empty, also of refusals by the content security policy"


def set_up_app(page: Page) -> pyotp.TOTP:
    page.get_by_role("button", name="Set up an app").click()
    expect(page.locator(".qr svg")).to_be_visible()
    page.get_by_text("Or type the key").click()
    shot(page, "enrol")
    app = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    page.get_by_label("Enter the six digits").fill(app.now())
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("button", name="Remove the app")).to_be_visible()
    return app
