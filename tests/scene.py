"""One of each thing the API knows, in an environment made for it, and a token of every kind of caller."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any

from agent_facts import execution_of
from permission_needs import ROLE_USERS
from permission_table import Row
from sheetport.features.agents import service as agents
from sheetport.features.agents.model import Agent, AgentDraft
from sheetport.features.agents.store.executions import insert_execution
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Wanted
from sheetport.features.egress import service as egress
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.features.jobs import service as jobs
from sheetport.features.jobs.model import JobDraft
from sheetport.features.roles import service as roles
from sheetport.features.users import service as users
from sheetport.features.webhooks import service as webhooks
from sheetport.features.webhooks.model import Delivery, DeliveryState, Draft, Scope
from sheetport.features.webhooks.store import deliveries
from sheetport.kernel.actor import Actor, ActorKind, system_actor
from sheetport.kernel.clock import DAY
from sheetport.kernel.permissions import BuiltInRole
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import Reply, World

FIELDS = [{"key": "name", "type": "string"}]
#: What is the account's, so that callers from beside the environment may see it.
OF_ACCOUNT = (
    *("app_id", "constraint_id", "user_id", "account_id", "access_token_id", "client_id", "session_id", "passkey_id"),
    "credential_id",
    *("role_id", "guest_role_id", "spare_user_id", "invited_user_id", "actor_role_id"),
)
AGENTS = (*("agent_id", "agent_role_id", "agent_version_id", "agent_export_id", "agent_event_id"), "paused_agent_id")
#: What users with a role on less than the environment may not know of.
BESIDE_SPACE = ("other_space_id", "key_id", *AGENTS)
BESIDE_WORKBOOK = (*BESIDE_SPACE, "document_id", "event_id", "secret_id", "webhook_id", "guests_role_id")
BESIDE_SHEET = (*BESIDE_WORKBOOK, "job_id", "idle_job_id", "failed_job_id", "action_id")
_numbers = itertools.count(1)


@dataclass
class Scene:
    """A world, one of each thing in an environment made for this, and a token of every kind of caller.

    ``mark`` stands in every name and value, so that an answer that tells of them is known by it.
    """

    world: World
    mark: str = ""
    things: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    #: Id and token of each of ROLE_USERS.
    role_users: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def build(self) -> None:
        """Fresh things, and the tokens to reach them."""
        world = self.world
        await world.db.write(self._environment)
        self.tokens |= {"user": world.pat, "other_environment": world.sk_prod, "other_account": world.sk_other}
        self.things |= {"account_id": world.account_id, "user_id": world.user_id, "fresh": f"fresh {next(_numbers)}"}
        environment = self.things["environment_id"]
        for name, token in (("space", "space"), ("other_space", "other_space")):
            space = await self._make("/v1/spaces", {"name": self.mark + name, "environmentId": environment})
            self.things[f"{name}_id"], self.tokens[token] = space["id"], space["accessToken"]
        sheet = {"name": f"{self.mark}People", "slug": "people", "fields": FIELDS}
        body = {"name": f"{self.mark}Book", "spaceId": self.things["space_id"], "sheets": [sheet]}
        book = await self._make("/v1/workbooks", body | {"settings": {"trackChanges": True}})
        self.things |= {"workbook_id": book["id"], "sheet_id": book["sheets"][0]["id"]}
        await self._fill()
        await world.db.write(self._people)
        await self._guests()

    async def _guests(self) -> None:
        """A guest of each reach, with a token for what they are let into."""
        things = self.things
        reaches = {
            "guest": {"id": things["space_id"]},
            "guest_of_workbook": {"id": things["space_id"], "workbooks": [{"id": things["workbook_id"]}]},
            "guest_of_sheet": {"id": things["space_id"], "sheets": [{"id": things["sheet_id"]}]},
            "other_guest": {"id": things["other_space_id"]},
        }
        named = {"environmentId": things["environment_id"], "name": f"{self.mark}Guest"}
        made = await self._make(
            "/v1/guests",
            [named | {"email": f"{name}@example.com", "spaces": [space]} for name, space in reaches.items()],
        )
        for name, guest in zip(reaches, made, strict=True):
            reply = await self.world.call("GET", f"/v1/guests/{guest['id']}/token", token=self.tokens["secret"])
            self.tokens[name] = reply.data["token"]
        things["guest_id"] = made[0]["id"]
        given = {"roleId": things["guest_role_id"], "resourceId": things["space_id"]}
        things["guests_role_id"] = (await self._make(f"/v1/guests/{made[0]['id']}/roles", given))["id"]

    async def _environment(self, uow: UnitOfWork) -> None:
        """An environment with its keys, a key to spare, a token to spare, and credentials that have ended."""
        world, number = self.world, next(_numbers)
        actor = Actor(ActorKind.USER, world.user_id, world.account_id, "test")
        made = await environments.create_environment_with_keys(
            uow, actor, EnvironmentChange(f"{self.mark}made {number}", False)
        )
        environment = made.environment.id
        spare, _ = await auth.create_key(uow, actor, environment, CredentialKind.SECRET_KEY)
        ended, _ = await auth.create_key(uow, actor, environment, CredentialKind.SECRET_KEY)
        await auth.delete_key(uow, actor, environment, ended.credential.id)
        token = await auth.create_token(uow, actor, Wanted(f"spare {number}"))
        old = {"user_id": world.user_id, "expires_at": uow.now - 1}
        expired = await auth.mint(uow, actor, CredentialKind.ACCESS, "old", **old)
        running = await auth.mint(uow, actor, CredentialKind.ACCESS, "spare", **old | {"expires_at": uow.now + DAY})
        self.things = {"environment_id": environment, "key_id": spare.credential.id, "passkey_id": "pky_none"}
        self.things["session_id"] = running.credential.id
        self.things["access_token_id"] = token.credential.id
        client = await auth.create_client(uow, actor, world.user_id, world.account_id)
        self.things["client_id"] = client.credential.id
        spared = await auth.create_token(uow, actor, Wanted(f"changed {number}"))
        self.things["credential_id"] = spared.credential.id
        self.tokens = {"secret": made.secret_key.token, "publishable": made.publishable_key.token}
        self.tokens |= {"revoked": ended.token, "expired": expired.token}

    async def _people(self, uow: UnitOfWork) -> None:
        """Users who can be spared, a custom role, and the users of ROLE_USERS with their roles on these things."""
        world, number, settings = self.world, next(_numbers), self.world.app.settings
        actor = Actor(ActorKind.USER, world.user_id, world.account_id, "test")
        listed = {role.built_in: role.id for role in await roles.list_roles(uow, actor) if role.built_in}
        custom = await roles.create_role(uow, actor, f"{self.mark}role {number}", ["record:read"])
        spare = await users.invite_user(uow, actor, f"{self.mark}spare{number}@example.com", "Spare", [], settings)
        given = await users.assign_user_role(uow, actor, spare.user.id, listed[BuiltInRole.GUEST], world.account_id)
        await users.set_password(uow, spare.user.id, "no hash")
        address = f"{self.mark}invited{number}@example.com"
        invited = await users.invite_user(uow, actor, address, "Invited", [], settings)
        self.things |= {"role_id": custom.id, "guest_role_id": listed[BuiltInRole.GUEST], "actor_role_id": given.id}
        self.things |= {"spare_user_id": spare.user.id, "invited_user_id": invited.user.id}
        kinds = ("account_id", "environment_id", "space_id", "workbook_id", "sheet_id")
        agent = await self._agents(uow, actor)
        role_id, space_id = listed[BuiltInRole.GUEST], self.things["space_id"]
        for_agent = await agents.assign_agent_role(uow, actor, agent.id, role_id, space_id)
        self.things |= {"agent_id": agent.id, "agent_role_id": for_agent.id}
        for name, (role, depth) in ROLE_USERS.items():
            if name not in self.role_users:
                made = await users.invite_user(uow, actor, f"{self.mark}{name}{number}@example.com", name, [], settings)
                token = await auth.mint(uow, actor, CredentialKind.PERSONAL, name, user_id=made.user.id)
                self.role_users[name] = made.user.id, token.token
            user_id, self.tokens[name] = self.role_users[name]
            if role is not None:
                await users.assign_user_role(uow, actor, user_id, listed[role], self.things[kinds[depth]])

    async def _agents(self, uow: UnitOfWork, actor: Actor) -> Agent:
        """An agent that has handled an event and may call a host, an export of it, and one that is paused."""
        bundle, _ = agents.check_bundle("exports.routeEvent = () => {}", None)
        environment_id = self.things["environment_id"]
        agent, _ = await agents.deploy_agent(uow, actor, environment_id, AgentDraft(bundle=bundle))
        agent = await agents.allow_host(uow, actor, agent.id, "hooks.example.com")
        paused, _ = await agents.deploy_agent(uow, actor, environment_id, AgentDraft(bundle=bundle, slug="paused"))
        await agents.pause_agent(uow, actor, paused.id)
        event = f"us_evt_{next(_numbers)}"
        await insert_execution(uow, execution_of(agent, event))
        job = await jobs.create_job(
            uow, actor, JobDraft(type="agent", operation="agent-export", source=agent.id, trigger="immediate")
        )
        export = (job.outcome or {})["next"]["url"].split("/")[3]
        self.things |= {"agent_version_id": agent.version_id, "agent_host": "hooks.example.com"}
        self.things |= {"agent_export_id": export, "agent_event_id": event, "paused_agent_id": paused.id}
        return agent

    async def _fill(self) -> None:
        """What lies in the space: records with their commit, jobs, an event, a secret; and a variable and an app."""
        things = self.things
        path = f"/v1/sheets/{things['sheet_id']}/records"
        inserted = await self._make(path, [{"name": {"value": f"{self.mark}Ada"}}])
        things |= {"record_id": inserted["records"][0]["id"], "commit_id": inserted["commitId"]}
        job = {"type": "workbook", "operation": "submit", "source": things["workbook_id"]}
        for name, more in (("job_id", {"trigger": "immediate"}), ("idle_job_id", {}), ("failed_job_id", {})):
            things[name] = (await self._make("/v1/jobs", job | more))["id"]
        await self._make(f"/v1/jobs/{things['failed_job_id']}/execute", None)
        await self._make(f"/v1/jobs/{things['failed_job_id']}/fail", None)
        context = {"environmentId": things["environment_id"], "spaceId": things["space_id"]}
        event = {"topic": "space:updated", "domain": "space", "context": context, "payload": {}}
        document = {"title": f"{self.mark}Read me", "body": "# First"}
        things["document_id"] = (await self._make(f"/v1/spaces/{things['space_id']}/documents", document))["id"]
        action = {"operation": "go", "label": f"{self.mark}Go", "targetId": things["workbook_id"]}
        things["action_id"] = (await self._make(f"/v1/actions?spaceId={things['space_id']}", action))["id"]
        things["event_id"] = (await self._make("/v1/events", event))["id"]
        secret = {"name": "GREETING", "value": f"{self.mark}hello", **context}
        await self._make("/v1/secrets", secret | {"value": f"{self.mark}hi"})  # a version to roll back to
        things |= {"secret_id": (await self._make("/v1/secrets", secret))[0]["id"], "name": "GREETING"}
        await self.world.db.write(self._webhook)
        variables = f"/v1/environments/{things['environment_id']}/variables"
        reply = await self.world.call(
            "PUT", f"{variables}/GREETING", {"value": f"{self.mark}hi"}, token=self.tokens["secret"]
        )
        assert reply.status == 200, reply.body
        app = {"name": f"{self.mark}App", "namespace": f"app-{next(_numbers)}", "type": "CUSTOM"}
        things["app_id"] = (await self._make("/v1/apps", app, self.tokens["user"]))["id"]
        things["version"] = "1"
        constraints = f"/v1/apps/{things['app_id']}/constraints"
        constraint = {"validator": f"{self.mark}constraint", "function": f"{self.mark}function"}
        things["constraint_id"] = (await self._make(constraints, constraint, self.tokens["user"]))["id"]

    async def _webhook(self, uow: UnitOfWork) -> None:
        """A webhook of the space, of a target on this machine where nobody listens, with a dead delivery."""
        things, actor = self.things, system_actor(self.world.account_id)
        await egress.allow_target(uow, actor, "127.0.0.1", things["environment_id"])
        scope = Scope(self.world.account_id, things["environment_id"], things["space_id"])
        draft = Draft(url="http://127.0.0.1:9/", topics=("webhook:disabled",), description=f"{self.mark}hook")
        webhook, _ = await webhooks.create_webhook(uow, actor, scope, draft)
        things["webhook_id"] = webhook.id
        dead = (things["event_id"], 1, "space:updated", things["space_id"], DeliveryState.DEAD, 10, None, uow.now)
        await deliveries.insert_deliveries(uow, [Delivery(webhook.environment_id, webhook.id, *dead)])

    async def _make(self, path: str, body: Any, token: str = "") -> Any:
        reply = await self.world.call("POST", path, body, token=token or self.tokens["secret"])
        assert reply.status == 200, (path, reply.body)
        return reply.body.get("data")

    async def call(self, row: Row, token: str) -> Reply:
        method, path = (row.route + row.query).split(" ", 1)
        body = json.loads(self._filled(json.dumps(row.body))) if row.body is not None else None
        return await self.world.call(method, self._filled(path), body, token=token)

    def _filled(self, text: str) -> str:
        things = {**self.things, "unique": f"unique{next(_numbers)}"}
        return re.sub(r"\{(\w+)\}", lambda found: things[found[1]], text)

    def betrayed(self, actor: str, reply: Reply, row: Row) -> list[str]:
        """Things in the answer that the caller may not know of, and did not name."""
        hidden = {
            "other_environment": [name for name in self.things if name not in OF_ACCOUNT],
            "other_account": list(self.things),
            "other_guest": [n for n in self.things if n not in (*OF_ACCOUNT, "environment_id", "other_space_id")],
            "other_space": [n for n in self.things if n not in (*OF_ACCOUNT, "environment_id", "other_space_id")],
            "space_administrator": BESIDE_SPACE,
            "workbook_member": BESIDE_WORKBOOK,
            "sheet_guest": BESIDE_SHEET,
            "nobody": [name for name in self.things if name != "account_id"],
        }
        asked, said = self._filled(row.route + row.query + json.dumps(row.body)), json.dumps(reply.body)
        ids = {self.things[name]: name for name in hidden.get(actor, ()) if name.endswith("_id")}
        return [name for value, name in ids.items() if value in said and value not in asked]
