"""Our pages keep their own content security policy: a browser reports nothing, on none of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from servers.data_places import DataPlace
from servers.sheetport import EMAIL, PASSWORD, SheetportServer

#: Keeps what the browser reports, from before the first line of a page on.
LISTEN = """
window.reported = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.reported.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SheetportServer]:
    server = SheetportServer(DataPlace("sqlite", tmp_path_factory.mktemp("policy") / "data", None))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        context.add_init_script(LISTEN)
        yield context.new_page()


def reported(tab: Page) -> list[str]:
    found: list[str] = tab.evaluate("window.reported")
    return found


def test_no_page_meets_its_own_policy(one: SheetportServer, tab: Page) -> None:
    said = {}
    for path in ("/setup?token=x", "/reference/compatibility", "/reference", "/"):
        tab.goto(one.url + path)
        tab.wait_for_load_state("networkidle")
        said[path] = reported(tab)
    tab.get_by_label("Email").fill(EMAIL)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_text("The server is healthy.")).to_be_visible()
    tab.get_by_role("button", name="Reveal a development key").click()
    expect(tab.locator("#told")).not_to_be_empty()
    tab.get_by_role("tab").nth(1).click()
    tab.wait_for_timeout(300)
    said["signed in"] = reported(tab)
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
    said["signed out"] = reported(tab)
    assert {path: found for path, found in said.items() if found} == {}


def test_what_breaks_the_policy_is_reported_and_does_not_run(one: SheetportServer, tab: Page) -> None:
    """So that the test above can fail."""
    tab.goto(one.url)
    tab.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          const image = document.createElement("img");
          image.src = "https://elsewhere.example/x.png";
          document.body.append(image);
        }"""
    )
    tab.wait_for_function("window.reported.length >= 2")
    assert sorted(each.partition(" ")[0] for each in reported(tab)) == ["img-src", "script-src-elem"]
    assert tab.evaluate("window.ran") is None
