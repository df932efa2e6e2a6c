"""A listener as a user writes one: registering, matching, the event's calls, failing handlers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from servers.listener_stub import ENVIRONMENT, KEY, Stub, listener_stub
from sheetport.listener import Event, Listener, ListenerConfigError, ListenerError, ListenerHTTPError, SecretNotFound

JOB = {
    "id": "us_evt_1",
    "topic": "job:ready",
    "domain": "workbook",
    "namespaces": ["space:red", "workbook:blue"],
    "context": {"environmentId": ENVIRONMENT, "spaceId": "us_sp_1", "jobId": "us_jb_1", "actionName": "book:submit"},
    "payload": {"job": "workbook:submitAction", "status": "ready"},
}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with listener_stub() as running:
        yield running


async def dispatch(listener: Listener, stub: Stub, event: dict[str, Any]) -> list[Any]:
    return await listener.dispatch(event, api_url=stub.url, token=KEY)


async def test_handlers_get_the_events_their_topic_and_filters_match(stub: Stub) -> None:
    listener = Listener()
    called: list[str] = []

    @listener.on("job:ready", job="workbook:submitAction")
    async def submit(event: Event) -> None:
        called.append("submit")

    @listener.on(["job:*", "commit:created"], {"context.spaceId": "us_sp_1"}, status="ready")
    def several(event: Event) -> None:
        called.append("several")

    @listener.on("job:ready", job="other")
    @listener.on("space:created")
    async def other(event: Event) -> None:
        called.append("other")

    assert await dispatch(listener, stub, JOB) == []
    assert called == ["submit", "several"]


async def test_children_see_only_what_their_filters_let_through(stub: Stub) -> None:
    listener = Listener()
    called: list[str] = []

    def note(node: Listener, name: str) -> None:
        node.on("**")(lambda event: called.append(name))

    red = listener.namespace("space:red")
    note(red, "red")
    note(red.filter(status="ready"), "red and ready")
    note(red.filter({"status": "failed"}), "red and failed")
    note(listener.namespace(["space:green", "workbook:*"]), "any workbook")
    note(listener.namespace("red"), "half a name")
    note(listener, "root")
    await dispatch(listener, stub, JOB)
    assert called == ["root", "red", "red and ready", "any workbook"]


def test_a_decorator_used_wrongly_says_how_to_use_it() -> None:
    listener = Listener()
    with pytest.raises(TypeError, match=r'write @listener.on\("job:ready"\)'):
        listener.on(print)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="is a decorator"):
        listener.on("job:ready", print)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'job' is given twice"):
        listener.on("job:ready", {"job": "a"}, job="b")


async def test_an_event_has_the_parts_of_its_json(stub: Stub) -> None:
    listener = Listener()
    seen: list[Event] = []
    listener.on("**")(seen.append)
    await dispatch(listener, stub, {**JOB, "origin": {"id": "o"}, "target": "t", "dataUrl": "v1/x?a=1"})
    event = seen[0]
    assert (event.id, event.topic, event.domain) == ("us_evt_1", "job:ready", "workbook")
    assert (event.context, event.payload, event.namespaces) == (JOB["context"], JOB["payload"], JOB["namespaces"])
    assert (event.action, event.origin, event.target, event.data_url) == ("book:submit", {"id": "o"}, "t", "v1/x?a=1")
    assert event.src["payload"] == JOB["payload"]
    assert repr(event) == "<Event us_evt_1 job:ready>"


async def test_secrets_are_read_once_for_a_scope_and_the_last_of_a_name_wins(stub: Stub) -> None:
    stub.secrets = [{"name": "K", "value": "environment's"}, {"name": "K", "value": "space's"}]
    listener = Listener()
    got: list[str] = []

    @listener.on("**")
    async def read(event: Event) -> None:
        got.append(await event.secrets("K"))
        got.append(await event.secrets("K"))
        got.append(await event.secrets("K", environment_id="us_env_2", space_id="us_sp_2", actor_id="us_usr_2"))

    assert await dispatch(listener, stub, JOB) == []
    assert got == ["space's"] * 3
    assert [call.query for call in stub.of("/v1/secrets")] == [
        {"environmentId": [ENVIRONMENT], "spaceId": ["us_sp_1"]},
        {"environmentId": ["us_env_2"], "spaceId": ["us_sp_2"], "actorId": ["us_usr_2"]},
    ]


@pytest.mark.parametrize(
    ("secrets", "refusal", "error", "says"),
    [
        ([], None, SecretNotFound, "Secret K not found in environment us_env_1, space us_sp_1"),
        ([{"name": "K", "value": ""}], None, SecretNotFound, "Secret K not found"),
        ([], (401, "Send a valid token."), ListenerHTTPError, "GET /v1/secrets answered 401: Send a valid token."),
        ([], (403, "Needs secrets:read."), ListenerHTTPError, "GET /v1/secrets answered 403: Needs secrets:read."),
        ([], (404, "No such space."), ListenerHTTPError, "GET /v1/secrets answered 404: No such space."),
    ],
)
async def test_an_absent_secret_and_a_refusal_are_told_apart(
    stub: Stub, secrets: list[dict[str, str]], refusal: tuple[int, str] | None, error: type[Exception], says: str
) -> None:
    stub.secrets = secrets
    stub.refuse = {"/v1/secrets": refusal} if refusal else {}
    listener = Listener()
    raised: list[Exception] = []

    @listener.on("**")
    async def read(event: Event) -> None:
        with pytest.raises(error) as caught:
            await event.secrets("K")
        raised.append(caught.value)

    assert await dispatch(listener, stub, JOB) == []
    assert says in str(raised[0])


async def test_secrets_need_an_environment(stub: Stub) -> None:
    listener = Listener()
    listener.on("**")(lambda event: event.run(event.secrets("K")))
    [failure] = await dispatch(listener, stub, {**JOB, "topic": "x", "context": {}})
    assert failure.message == "environment_id is required to fetch secrets: the event's context has none."
    assert stub.calls == []


async def test_data_and_update_use_the_data_url(stub: Stub) -> None:
    message = {"type": "error", "message": "No", "source": "custom-logic"}
    stub.data = {"records": [{"id": "r1", "values": {}, "messages": [message]}, {"id": "r2", "values": {}}]}
    listener = Listener()
    got: list[Any] = []

    @listener.on("**")
    async def change(event: Event) -> None:
        got.append(await event.data(filter="error", ids=["a b", "c"]))
        await event.update(got[0]["records"])

    event = {**JOB, "dataUrl": "/v1/sheets/us_sh_1/records?commitId=us_vr_1"}
    assert await dispatch(listener, stub, event) == []
    assert got == [stub.data]
    read, write = stub.of("/records")
    assert read.path == write.path == "/v1/sheets/us_sh_1/records"
    assert read.query == {"commitId": ["us_vr_1"], "filter": ["error"], "ids": ["a b", "c"]}
    sent = [{"id": "r1", "values": {}, "messages": [{"type": "error", "message": "No"}]}, {"id": "r2", "values": {}}]
    assert (write.method, write.query, write.body) == ("PUT", {"commitId": ["us_vr_1"]}, sent)
    assert write.headers["content-encoding"] == "gzip"
    assert write.headers["x-disable-hooks"] == "true"


async def test_without_a_data_url_the_data_is_the_payload_and_nothing_can_be_updated(stub: Stub) -> None:
    listener = Listener()
    got: list[Any] = []

    @listener.on("**")
    async def change(event: Event) -> None:
        got.append(await event.data(filter="error"))
        await event.update([])

    [failure] = await dispatch(listener, stub, {**JOB, "topic": "file:created"})
    assert got == [JOB["payload"]]
    assert "has no dataUrl" in failure.message


async def test_fetch_sends_json_and_raises_what_the_server_says(stub: Stub) -> None:
    stub.data = {"id": "us_jb_2"}
    stub.refuse = {"/v1/refused": (400, "The field name is missing.")}
    listener = Listener()
    got: list[Any] = []

    @listener.on("**")
    async def call(event: Event) -> None:
        got.append(await event.fetch("v1/jobs", "POST", {"X-Mine": "1"}, {"type": "workbook"}))
        with pytest.raises(ListenerHTTPError) as caught:
            await event.fetch("v1/refused")
        got.append((caught.value.status, caught.value.message))
        with pytest.raises(ListenerConfigError, match=r"event\.fetch calls .* only"):
            await event.fetch("https://elsewhere.example/v1/jobs")

    assert await dispatch(listener, stub, JOB) == []
    assert got == [{"id": "us_jb_2"}, (400, "The field name is missing.")]
    assert (stub.calls[0].body, stub.calls[0].headers["x-mine"]) == ({"type": "workbook"}, "1")


async def test_a_plain_handler_waits_with_event_run_and_an_async_one_is_told_to_await(stub: Stub) -> None:
    stub.secrets = [{"name": "K", "value": "v"}]
    listener = Listener()
    got: list[str] = []

    @listener.on("job:ready")
    def plain(event: Event) -> None:
        got.append(event.run(event.secrets("K")))
        event.run(event.job.ack("Working", 50))
        event.run(event.job.complete("Done"))

    @listener.on("job:ready")
    async def wrong(event: Event) -> None:
        with pytest.raises(ListenerError, match="write 'await'"):
            event.run(event.secrets("K"))

    assert await dispatch(listener, stub, JOB) == []
    assert got == ["v"]
    assert stub.job_calls() == [
        ("us_jb_1/ack", {"info": "Working", "progress": 50}),
        ("us_jb_1/complete", {"outcome": {"message": "Done"}}),
    ]


async def test_a_failing_handler_is_logged_with_its_line_fails_its_job_and_stops_no_other(
    stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()
    called: list[str] = []

    @listener.on("job:ready")
    async def first(event: Event) -> None:
        raise RuntimeError("The supplier did not answer.")

    @listener.on("job:ready")
    def second(event: Event) -> None:
        called.append("second")
        raise KeyError("price")

    @listener.on("job:ready")
    async def third(event: Event) -> None:
        called.append("third")

    failures = await dispatch(listener, stub, JOB)
    assert called == ["second", "third"]
    assert [failure.message for failure in failures] == ["The supplier did not answer.", "KeyError: 'price'"]
    line = first.__code__.co_firstlineno + 2
    assert failures[0].place == f"{__file__}:{line}"
    outcome = {"acknowledge": True, "message": "The supplier did not answer."}
    assert stub.job_calls() == [("us_jb_1/fail", {"info": "The supplier did not answer.", "outcome": outcome})]
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(logged) == 2
    for part in ("us_evt_1", "job:ready", f"{__file__}:{line}", "The supplier did not answer.", "Traceback"):
        assert part in logged[0]


RAISED = [SystemExit(3), StopIteration("odd"), ValueError()]


# Ctrl+C counts as a failure only in a handler's own thread: in the loop's it is the user's.
@pytest.mark.parametrize(
    ("plain", "error"), [(True, KeyboardInterrupt()), *((plain, e) for plain in (True, False) for e in RAISED)]
)
async def test_whatever_a_handler_raises_fails_the_job(stub: Stub, error: BaseException, plain: bool) -> None:
    listener = Listener()

    def raising(event: Event) -> None:
        raise error

    async def raising_async(event: Event) -> None:
        raise error

    listener.on("job:ready")(raising if plain else raising_async)
    [failure] = await dispatch(listener, stub, JOB)
    assert failure.message
    assert [step for step, _ in stub.job_calls()] == ["us_jb_1/fail"]


async def test_a_failing_handler_of_another_event_fails_no_job(stub: Stub) -> None:
    listener = Listener()

    @listener.on("job:completed")
    async def after(event: Event) -> None:
        raise RuntimeError("no")

    assert len(await dispatch(listener, stub, {**JOB, "topic": "job:completed"})) == 1
    assert stub.job_calls() == []


async def test_a_job_that_cannot_be_failed_is_logged(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    stub.refuse = {"/fail": (400, "The job is complete already.")}
    listener = Listener()
    listener.on("job:ready")(lambda event: 1 / 0)
    await dispatch(listener, stub, JOB)
    assert len(stub.of("/fail")) == 1
    assert "could not be marked as failed" in caplog.text
    assert "The job is complete already." in caplog.text


async def test_values_of_secrets_reach_neither_log_nor_job(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    stub.secrets = [{"name": "K", "value": "hunter2-hunter2"}, {"name": "L", "value": "hunter2"}]
    caplog.set_level(logging.DEBUG)
    listener = Listener()

    @listener.on("job:ready")
    async def leaky(event: Event) -> None:
        value = await event.secrets("K")
        raise RuntimeError(f"The supplier refuses {value}; {event!r} {vars(event.job)}")

    await dispatch(listener, stub, JOB)
    assert "hunter2" not in caplog.text
    assert KEY not in caplog.text
    assert "hunter2" not in str(stub.job_calls())
    assert "The supplier refuses [secret]" in stub.job_calls()[0][1]["info"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"token": KEY}, "FLATFILE_API_URL"),
        ({"api_url": "localhost:1", "token": KEY}, "http://"),
        ({"api_url": "http://localhost:1"}, "FLATFILE_API_KEY"),
        ({"api_url": "http://localhost:1", "token": "sk_a\nb"}, "line break"),
        ({"api_url": "http://localhost:1", "token": KEY}, "FLATFILE_ENVIRONMENT_ID"),
    ],
)
async def test_what_is_missing_is_named(arguments: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGENT_INTERNAL_URL", "FLATFILE_API_URL", "FLATFILE_BEARER_TOKEN", "FLATFILE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("FLATFILE_ENVIRONMENT_ID", raising=False)
    with pytest.raises(ListenerConfigError, match=says) as caught:
        await Listener().run(**arguments)
    assert "sk_a" not in str(caught.value)
