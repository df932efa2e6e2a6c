"""``sheetport.testing``: what its users' tests rely on."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sheetport.listener import Event, Listener
from sheetport.testing import CallFailed, HandlerFailed, TestListener, TestServer

listener = Listener()


@listener.on("job:ready", job="space:greet")
async def greet(event: Event) -> None:
    name = (await event.fetch(f"v1/spaces/{event.context['spaceId']}"))["name"]
    if name == "Nobody":
        raise ValueError("nobody to greet")
    await event.job.complete(f"hello {name}")


@pytest.fixture(scope="module")
def server() -> Iterator[TestServer]:
    with TestServer() as server:
        yield server


def a_job(server: TestServer, name: str) -> str:
    """Makes a space and starts its greet job."""
    space = server.call("POST", "/v1/spaces", {"name": name, "environmentId": server.environment_id})["id"]
    job = server.call("POST", "/v1/jobs", {"type": "space", "operation": "greet", "source": space})["id"]
    server.call("POST", f"/v1/jobs/{job}/execute")
    return str(job)


async def test_a_listener_is_waited_for_until_its_handler_has_ended(server: TestServer) -> None:
    async with TestListener(listener, server) as heard:
        job = a_job(server, "Ada")
        handled = await heard.wait_for("job:ready")
        assert (handled.event["context"]["jobId"], handled.handlers, handled.failures) == (job, 1, ())
        assert server.call("GET", f"/v1/jobs/{job}")["outcome"]["message"] == "hello Ada"


async def test_an_event_is_returned_once_and_filters_choose(server: TestServer) -> None:
    async with TestListener(listener, server) as heard:
        jobs = [a_job(server, name) for name in ("Ada", "Grace")]
        second = await heard.wait_for("job:ready", jobId=jobs[1])
        first = await heard.wait_for("job:*", operation="greet")
        assert second.event["context"]["jobId"] == jobs[1]
        assert first.event["context"]["jobId"] == jobs[0]
        await heard.wait_for("job:ready", jobId=jobs[0])
        with pytest.raises(TimeoutError, match=r"No event job:ready was handled within 0\.05 seconds\. Others: .*job:"):
            await heard.wait_for("job:ready", timeout=0.05)


async def test_a_handler_that_raises_fails_the_test_with_its_line(
    server: TestServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with TestListener(listener, server) as heard:
        a_job(server, "Nobody")
        with caplog.at_level(logging.ERROR), pytest.raises(HandlerFailed, match=r"greet at .*test_kit\.py:\d+: nobody"):
            await heard.wait_for("job:ready")
        a_job(server, "Nobody")
        handled = await heard.wait_for("job:ready", failures=True)
        assert [one.message for one in handled.failures] == ["nobody to greet"]


async def test_a_space_can_be_listened_to_alone(server: TestServer) -> None:
    mine, other = (
        server.call("POST", "/v1/spaces", {"name": name, "environmentId": server.environment_id})["id"]
        for name in ("Mine", "Other")
    )
    async with TestListener(listener, server, mine) as heard:
        for space in (other, mine):
            server.call("PATCH", f"/v1/spaces/{space}", {"name": "Changed"})
        handled = await heard.wait_for("space:updated")
        assert handled.event["context"]["spaceId"] == mine


def test_a_refusal_is_an_error_that_says_what_the_server_said(server: TestServer) -> None:
    with pytest.raises(CallFailed, match="GET /v1/spaces/us_sp_none answered 404: ") as refused:
        server.call("GET", "/v1/spaces/us_sp_none")
    assert refused.value.status == 404
    with pytest.raises(CallFailed, match="answered 401"):
        server.call("GET", "/v1/spaces", token="sk_dev_wrong")


async def test_the_data_goes_with_the_server_and_the_processs_settings_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: TestServer
) -> None:
    monkeypatch.setenv("SHEETPORT_DATABASE_URL", "postgresql://nowhere.invalid/none")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with TestServer() as other:
        assert os.listdir(tmp_path) != []
        assert other.variables()["FLATFILE_API_URL"] == other.url != server.url
        with pytest.raises(CallFailed, match="answered 401"):
            other.call("GET", "/v1/spaces", token=server.key)
    assert os.listdir(tmp_path) == []
    with pytest.raises(httpx.ConnectError):
        other.call("GET", "/v1/spaces")
    other.stop()
