"""Single sign-on in a real browser, by a real provider that sends it back across sites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import run

from playwright.sync_api import Browser, ConsoleMessage, expect

from browser.test_sign_in import PHONE, shot
from servers.commands import PROGRAM
from servers.openid import CLIENT, SECRET, running_provider
from servers.sheetport import SheetportServer

Server = Callable[..., SheetportServer]


def is_ours(message: ConsoleMessage, url: str) -> bool:
    """Whether it is an error of a page of ours: the provider's pages lack an icon, for one."""
    return message.type == "error" and message.location["url"].startswith(url)


def test_a_person_signs_in_by_the_provider_and_may_cancel_there(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    one = server()
    said: list[str] = []
    person = {"login": "ada", "claims": {"email": one.email, "email_verified": True, "name": "Ada"}}
    with running_provider(tmp_path / "provider", [person]) as provider, browser.new_context(viewport=PHONE) as context:  # type: ignore[arg-type]  # a plain dict is one
        run([PROGRAM, "egress", "allow", "127.0.0.1"], env=one.env, check=True, capture_output=True)
        command = [PROGRAM, "sso", "set", "--name", "Example", "--issuer", provider.issuer, "--client-id", CLIENT]
        run(
            [*command, "--domain", one.email.rpartition("@")[2]],
            env=one.env,
            check=True,
            input=SECRET,
            text=True,
            capture_output=True,
        )
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if is_ours(message, one.url) else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(one.url)
        shot(page, "sso-button")
        page.get_by_role("link", name="Continue with Example").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("cancelled there")).to_be_visible()
        shot(page, "sso-refused")
        page.get_by_role("link", name="Back to sign-in").click()
        page.get_by_role("link", name="Continue with Example").click()
        page.get_by_label("Login").fill("ada")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Security").click()
        expect(page.get_by_text("by single sign-on").first).to_be_visible()
        shot(page, "sso-security")
    assert said in ([], ["Failed to load resource: the server responded with a status of 400 (Bad Request)"]), said
