"""Agents that a server runs: told in order, again after a failure, not for ever, and not of their own echo."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from hosted import POST, Hosted, wait_for
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

CLIP, CHANGED = "data-clip:created", "data-clip:updated"
#: Says which event it was told of.
SAY = "exports.routeEvent = async (event) => console.log('told', event.payload.number)"
FAIL = "exports.routeEvent = async () => { throw new Error('no luck') }"
GRUMBLE = "exports.routeEvent = async () => console.error('something is wrong')"
BROKEN = "exports.routeEvent = async ( => {}"
#: Tells of what it is told of.
ECHO = f"""{POST}
exports.routeEvent = async (event) => {{
  const {{ environmentId, spaceId }} = event.context
  const context = {{ environmentId, spaceId }}
  await call('POST', 'events', {{ topic: '{CHANGED}', domain: 'space', context, payload: {{}} }})
}}"""


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """A server that pauses agents after chains of 5 events."""
    place = DataPlace("sqlite", tmp_path_factory.mktemp("hosted") / "data", None)
    server = SheetportServer(place, env={"SHEETPORT_AGENT_CHAIN": "5"})
    server.start()
    yield Hosted(server)
    server.stop()


def test_events_of_a_space_are_told_in_their_order_and_only_of_the_topics(hosted: Hosted) -> None:
    agent = hosted.deploy(SAY, CLIP, slug="order")
    one, other = hosted.space(), hosted.space()
    for number in range(6):
        hosted.tell(one if number % 2 else other, number=number)
    hosted.tell(one, CHANGED, number=99)
    wait_for(lambda: len(hosted.executions(agent)) == 6)
    said = [line.strip() for line in hosted.logs(agent)]
    assert [line for line in said if int(line[-1]) % 2] == ["told 1", "told 3", "told 5"]
    assert sorted(said) == [f"told {number}" for number in range(6)]
    (first, *_) = hosted.executions(agent, spaceId=one)
    assert (first["success"], first["state"], first["attempt"], first["topic"]) == (True, "done", 1, CLIP)
    assert first["duration"] >= 0 < first["memoryUsage"]
    hosted.call("DELETE", f"/v1/agents/{agent}")


@pytest.mark.parametrize(
    ("source", "said"), [(FAIL, "no luck"), (GRUMBLE, "something is wrong"), (BROKEN, "SyntaxError")]
)
def test_a_failure_is_seen_tried_again_and_given_up(hosted: Hosted, source: str, said: str) -> None:
    agent = hosted.deploy(source, CLIP, slug="failing")
    event = hosted.tell(hosted.space())
    wait_for(lambda: hosted.executions(agent) and hosted.executions(agent)[0]["isDead"])
    found = hosted.executions(agent, success="false")
    assert [(each["attempt"], each["isDead"]) for each in found] == [(3, True), (2, False), (1, False)]
    assert {each["eventId"] for each in found} == {event}, "each attempt is of the same event"
    assert said in found[0]["error"]
    assert hosted.state(agent)["waiting"] == 0
    hosted.call("DELETE", f"/v1/agents/{agent}")


def test_an_agent_that_sets_itself_off_is_paused_and_an_alert_says_why(hosted: Hosted) -> None:
    agent = hosted.deploy(ECHO, CLIP, CHANGED, slug="echo")
    space = hosted.space()
    hosted.tell(space)
    state = wait_for(lambda: hosted.state(agent) if hosted.state(agent).get("pausedAt") else None)
    assert "sets itself off" in state["pausedBecause"]
    assert len(hosted.executions(agent, success="true")) == 5, "as many as a chain may have"
    path = f"/v1/events?environmentId={hosted.environment_id}&topic=agent:paused"
    (alert,) = hosted.call("GET", path)
    assert alert["payload"]["target"] == agent
    hosted.tell(space)
    hosted.call("POST", f"/v1/agents/{agent}/resume")
    wait_for(lambda: len(hosted.executions(agent, success="true")) > 5)
    hosted.call("DELETE", f"/v1/agents/{agent}")


def test_an_agent_that_answers_each_event_of_others_is_not_taken_for_a_loop(hosted: Hosted) -> None:
    agent = hosted.deploy(ECHO, CLIP, slug="calm")
    space = hosted.space()
    for _ in range(8):
        hosted.tell(space)
    wait_for(lambda: len(hosted.executions(agent, success="true")) == 8)
    assert hosted.state(agent).get("pausedAt") is None
    hosted.call("DELETE", f"/v1/agents/{agent}")


def test_a_revoked_token_cuts_the_agent_and_pauses_it(hosted: Hosted) -> None:
    source = "exports.routeEvent = () => new Promise((done) => setTimeout(done, 50_000))"
    agent = hosted.deploy(source, CLIP, slug="slow")
    hosted.tell(hosted.space())
    server = hosted.server
    signed_in = server.request("POST", "/v1/auth", {"email": server.email, "password": server.password})
    user = signed_in.body["accessToken"]

    def tokens() -> list[str]:
        found = server.request("GET", "/v1/auth/credentials?kind=agent_token", token=user)
        return [each["id"] for each in found.body["data"] if "agent slow" in each["name"]]

    (token_id,) = wait_for(tokens)
    assert server.request("DELETE", f"/v1/auth/credentials/{token_id}", token=user).status == 200
    state = wait_for(lambda: hosted.state(agent) if hosted.state(agent).get("pausedAt") else None)
    assert state["pausedBecause"] == "its token was revoked"
    assert state["waiting"] == 1, "what was cut is told again"
    hosted.call("DELETE", f"/v1/agents/{agent}")
    assert tokens() == []


def test_a_server_that_is_killed_loses_no_event_and_tells_twice_by_the_same_id(hosted: Hosted) -> None:
    agent = hosted.deploy(SAY, CLIP, slug="survivor")
    space = hosted.space()
    told = [hosted.tell(space, number=number) for number in range(20)]
    wait_for(lambda: hosted.executions(agent))
    hosted.server.kill(signal.SIGKILL)
    hosted.server.restart()
    told += [hosted.tell(space, number=number) for number in range(20, 30)]
    wait_for(lambda: len({each["eventId"] for each in hosted.executions(agent)}) == 30)
    assert {each["eventId"] for each in hosted.executions(agent)} == set(told)
    numbers = [int(line.split()[-1]) for line in hosted.logs(agent)]
    assert sorted(set(numbers)) == list(range(30))
    assert numbers == sorted(numbers), "the order of the space holds across the kill"
