"""Where shots are fired: a scene, a caller of each kind, and what an answer may never be."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from architecture.envelopes import error_fault
from fuzz.shots import Document, Shot
from scene import Scene
from worlds import PASSWORD

#: From who may do least: what the first ones may not destroy is there for the next.
CALLERS = ("nobody", "publishable", "other_account", "space", "secret", "user")
#: Which callers may read the values of secrets and variables.
READERS = frozenset({"secret", "user"})
CANARY = "canary-that-only-key-holders-may-see"
#: What is never said again, whoever asks: the things behind these names.
HIDDEN = ("user", "secret", "other_environment", "other_account", "revoked", "expired")
_SECONDS = 20.0


@dataclass
class Range:
    """``document`` describes the routes. What was answered is counted by (route, status)."""

    scene: Scene
    document: Document
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    async def fire(self, shots: Iterable[Shot]) -> None:
        """Every shot by every caller; what a shot destroyed is built anew."""
        await self._build()
        route = ""
        for shot in shots:
            if shot.route != route and "/v1/jobs/" in shot.route:
                await self._build()  # what one route may do to a job depends on what the former did
            route = shot.route
            for caller in CALLERS:
                answer = await self._send(shot, caller)
                if answer is not None and answer.status_code == 200 and shot.method == "DELETE":
                    await self._build()

    async def _build(self) -> None:
        """A fresh scene with what only these shots name, and values that only some callers may see."""
        scene = self.scene
        await scene.build()
        tokens, environment = scene.tokens, scene.things["environment_id"]
        secret = {"name": "CANARY", "value": CANARY, "environmentId": environment}
        made = await scene.world.call("POST", "/v1/secrets", secret, token=tokens["secret"])
        variable = f"/v1/environments/{environment}/variables/CANARY"
        kept = await scene.world.call("PUT", variable, {"value": CANARY}, token=tokens["secret"])
        subscription = await scene.world.call("GET", "/v1/subscription", token=tokens["secret"])
        assert (made.status, kept.status, subscription.status) == (200, 200, 200)
        scene.things |= {
            "publishable": tokens["publishable"],
            "channel": f"environment.{environment}",
            "subscribe_key": subscription.data["subscribeKey"],
            "subscription_token": subscription.data["token"],
        }

    async def _send(self, shot: Shot, caller: str) -> httpx.Response | None:
        token = self.scene.tokens.get(caller)
        headers = shot.headers | ({"Authorization": f"Bearer {token}"} if token else {})
        path = self._filled(shot.path, quote) + "?" * bool(shot.query)
        query = [(name, self._filled(value, str)) for name, value in shot.query]
        url = path + urlencode(query, errors="replace")
        body = None if shot.body is None else self._filled(shot.body.decode("latin-1"), str).encode("latin-1")
        call = self.scene.world.client.request(shot.method, url, headers=headers, content=body)
        try:
            answer = await asyncio.wait_for(call, _SECONDS)
        except TimeoutError:
            self.faults.append(f"{shot.method} {url} by {caller}: no answer in {_SECONDS} s")
            return None
        self.answered[shot.route, answer.status_code] += 1
        self.faults += [
            f"{shot.method} {url} by {caller} with {body!r:.600}: {answer.status_code} {fault}"
            for fault in self.faults_of(shot, caller, answer)
        ]
        return answer

    def _filled(self, text: str, as_text: Any) -> str:
        things = self.scene.things
        return re.sub(r"\{(\w+)\}", lambda found: as_text(things.get(found[1], found[0])), text)

    def faults_of(self, shot: Shot, caller: str, answer: httpx.Response) -> list[str]:
        """What is wrong with an answer."""
        found = []
        if answer.status_code >= 500:
            found.append(f"a server error: {answer.text:.300}")
        if answer.status_code >= 400 and shot.route not in self._own_refusals:
            if fault := error_fault(answer.status_code, _json(answer)):
                found.append(fault)
        elif answer.status_code < 300 and not answer.content:
            found.append("an empty answer")
        said = answer.text
        tokens = [name for name in HIDDEN if self.scene.tokens[name] in said]
        found += [f"tells the token of {name}" for name in tokens]
        if CANARY in said and caller not in READERS:
            found.append("tells a secret's value")
        if PASSWORD in said or "$argon2" in said:
            found.append("tells a password")
        return found

    @cached_property
    def _own_refusals(self) -> set[str]:
        """Routes whose refusals have another client's shape."""
        routes = ((f"{m.upper()} {p}", o) for p, item in self.document["paths"].items() for m, o in item.items())
        return {route for route, operation in routes if "default" not in operation["responses"]}


def _json(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content)
    except ValueError:
        return answer.content
