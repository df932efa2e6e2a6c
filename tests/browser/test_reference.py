"""The API reference in a real browser: it shows every operation, tries one with a pasted key, and asks nobody else."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import ConsoleMessage, Page, Request, expect

from servers.sheetport import SheetportServer, send


def test_the_reference_shows_every_operation_and_tries_one(server: Callable[..., SheetportServer], page: Page) -> None:
    one = server()
    said: list[str] = []
    asked: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            said.append(message.text)

    def on_request(request: Request) -> None:
        asked.append(request.url)

    page.on("console", on_console)
    page.on("request", on_request)
    page.goto(f"{one.url}/reference")
    expect(page.locator(".opblock-tag").first).to_be_visible(timeout=15_000)
    document = send(f"{one.url}/openapi.json", "GET").body
    for tag in page.locator(".opblock-tag").all():
        tag.click()
    expect(page.locator(".opblock")).to_have_count(sum(len(item) for item in document["paths"].values()))

    page.get_by_role("button", name="Authorize").first.click()
    bearer = page.locator(".auth-container", has_text="bearer")
    bearer.locator("input").fill(one.development["secretKey"])
    bearer.get_by_role("button", name="Apply credentials").click()
    page.locator(".btn-done").first.click()
    page.locator(".opblock-summary", has_text="environments.list").click()
    listed = page.locator(".opblock.is-open")
    listed.get_by_role("button", name="Execute").click()
    expect(listed.locator(".live-responses-table .response-col_status").last).to_have_text("200", timeout=15_000)
    expect(listed.locator(".live-responses-table")).to_contain_text(one.development["id"])

    assert all(url.startswith((f"{one.url}/", "data:")) for url in asked), asked
    assert said == [], "the console stays empty, also of refusals by the content security policy"
    assert page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}", "no key is kept"


def test_a_refusal_leads_to_its_line_of_the_compatibility_page(
    server: Callable[..., SheetportServer], page: Page
) -> None:
    one = server()
    answer = send(f"{one.url}/v1/data-retention-policies/us_drp_1", "GET", token=one.development["secretKey"])
    assert answer.status == 501
    link = next(word for word in answer.body["errors"][0]["message"].split() if "#" in word)
    page.goto(one.url + link.removeprefix(one.url))
    assert link.endswith("/reference/compatibility#dataRetentionPolicies.get")
    line = page.locator("tr:target")
    expect(line).to_contain_text("GET /v1/data-retention-policies/{id}")
    expect(line).to_be_in_viewport()
