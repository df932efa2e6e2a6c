"""``sheetport agents``: the listeners that this server runs, and what they did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.caller import environment_caller
from sheetport.cli.client import Client
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err, out
from sheetport.kernel.errors import Invalid
from sheetport.kernel.requirements import read_requirements
from sheetport.listener.errors import ListenerLoadError
from sheetport.listener.runner import load_listener

Chosen = Annotated[str, typer.Argument(metavar="AGENT", help="Slug or id.")]
Host = Annotated[str, typer.Argument(metavar="HOST", help="api.example.com, without scheme and path.")]
Failed = Annotated[bool, typer.Option("--failed", help="Only those that failed.")]
Count = Annotated[int, typer.Option("--last", min=1, max=100, help="So many, the newest first.")]

agents_app = typer.Typer(
    name="agents",
    no_args_is_help=True,
    help="Agents: listeners that this server runs. Deploy one with 'npx flatfile deploy', or 'sheetport deploy FILE'."
    "\n\n    sheetport agents list\n\n    sheetport agents executions orders --failed",
)


class _Agents:
    """The agents of an environment."""

    def __init__(self, client: Client, environment_id: str) -> None:
        self.client = client
        self.environment_id = environment_id

    def listed(self) -> list[dict[str, Any]]:
        params = {"environmentId": self.environment_id, "pageSize": 100}
        return list(self.client.data("GET", "/v1/agents", params=params))

    def path(self, chosen: str) -> str:
        """The route of the agent with this slug or id."""
        for each in self.listed():
            if chosen in {each["id"], each["slug"]}:
                return f"/v1/agents/{quote(each['id'], safe='')}"
        raise CommandError(f"This environment has no agent {chosen!r}; 'sheetport agents list' shows them.")

    def state(self, path: str) -> dict[str, Any]:
        return dict(self.client.data("GET", f"{path}/state"))


@agents_app.command("list")
def list_agents(environment: Environment = None, data: Data = None) -> None:
    """List the agents of an environment: slug, id, version, how many events wait, and whether it is paused.

    sheetport agents list --environment production
    """
    with _agents(environment, data) as agents:
        for each in agents.listed():
            state = agents.state(f"/v1/agents/{each['id']}")
            word = "paused" if state.get("pausedAt") else "on"
            out.file.write(f"{each['slug']}\t{each['id']}\t{state['version']}\t{state['waiting']}\t{word}\n")


@agents_app.command()
def show(agent: Chosen, environment: Environment = None, data: Data = None) -> None:
    """Show how an agent is, which topics it is told of, and which hosts it may call.

    sheetport agents show orders
    """
    with _agents(environment, data) as agents:
        path = agents.path(agent)
        state, found = agents.state(path), agents.client.data("GET", path)
    rows = {
        "slug": state["slug"],
        "id": state["id"],
        "version": state["version"],
        "waiting": state["waiting"],
        "paused": f"since {state['pausedAt']}, because {state['pausedBecause']}" if state.get("pausedAt") else "no",
        "namespace": found.get("namespace") or "every one",
        "topics": ", ".join(found["topics"]) if found.get("topics") is not None else "every one",
        "hosts": ", ".join(state["allowedHosts"]) or "this server only",
    }
    for name, value in rows.items():
        out.file.write(f"{name:<10} {value}\n")


@agents_app.command()
def executions(
    agent: Chosen, failed: Failed = False, last: Count = 20, environment: Environment = None, data: Data = None
) -> None:
    """List what an agent did: when, how it went, which attempt, for how long, the topic, the event, and why it failed.

    'dead' marks an event that failed each time and is not told again.

    sheetport agents executions orders --failed
    """
    with _agents(environment, data) as agents:
        agent_id = agents.path(agent).rpartition("/")[2]
        params = {"environmentId": agents.environment_id, "agentId": agent_id, "pageSize": last}
        found = agents.client.data("GET", "/v1/agents/executions", params=params | _only(failed))
    for each in found:
        word = "dead" if each["isDead"] else each["state"]
        facts = (each["createdAt"], word, f"attempt {each['attempt']}", f"{each['duration']} ms", each["topic"])
        out.file.write("\t".join((*facts, each["eventId"], each.get("error") or "")).rstrip() + "\n")


@agents_app.command()
def logs(
    agent: Chosen, failed: Failed = False, last: Count = 20, environment: Environment = None, data: Data = None
) -> None:
    """Print what an agent wrote while it handled its last events, the oldest of them first.

    sheetport agents logs orders --last 5
    """
    with _agents(environment, data) as agents:
        params = {"environmentId": agents.environment_id, "pageSize": last}
        found = agents.client.data("GET", f"{agents.path(agent)}/logs", params=params | _only(failed))
    for each in reversed(found):
        word = "done" if each["success"] else "failed"
        out.file.write(f"--- {each['createdAt']} {word} {each['topic']} {each['eventId']}\n")
        if each.get("log"):
            out.file.write(each["log"].rstrip("\n") + "\n")


@agents_app.command()
def versions(agent: Chosen, environment: Environment = None, data: Data = None) -> None:
    """List the versions of an agent that are kept, the newest first: number, id, when, and what it is a copy of.

    sheetport agents versions orders
    """
    with _agents(environment, data) as agents:
        found = agents.client.data("GET", f"{agents.path(agent)}/versions")
    for each in found:
        copy = "" if each["origin"] == each["version"] else f"\ta copy of {each['origin']}"
        out.file.write(f"{each['version']}\t{each['id']}\t{each['createdAt']}{copy}\n")


@agents_app.command()
def revert(
    agent: Chosen,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Number or id of a former version.")],
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Go back to a former version: a copy of it becomes the newest and runs at once.

    sheetport agents revert orders 3
    """
    with _agents(environment, data) as agents:
        path = agents.path(agent)
        known = agents.client.data("GET", f"{path}/versions")
        chosen = next((each["id"] for each in known if version in {each["id"], str(each["version"])}), None)
        if chosen is None:
            raise CommandError(f"No version {version!r} is kept; 'sheetport agents versions {agent}' shows which are.")
        made = agents.client.data("GET", f"{path}/versions/{chosen}/revert")
    err.print(f"{agent} runs version {made['version']}, a copy of {made['origin']}.", markup=False)


@agents_app.command()
def pause(agent: Chosen, environment: Environment = None, data: Data = None) -> None:
    """Tell an agent of nothing more, and cut what it is doing; what comes meanwhile waits for it.

    sheetport agents pause orders
    """
    with _agents(environment, data) as agents:
        agents.client.data("POST", f"{agents.path(agent)}/pause")
    err.print(f"{agent} is paused.", markup=False)


@agents_app.command()
def resume(agent: Chosen, environment: Environment = None, data: Data = None) -> None:
    """Have a paused agent go on, with what waits for it first.

    sheetport agents resume orders
    """
    with _agents(environment, data) as agents:
        agents.client.data("POST", f"{agents.path(agent)}/resume")
    err.print(f"{agent} goes on.", markup=False)


@agents_app.command()
def allow(
    agent: Chosen,
    host: Host,
    remove: Annotated[bool, typer.Option("--remove", help="Let it call the host no more.")] = False,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Let an agent call a host besides this server, which is all that it may call otherwise.

    A host that is not public must be allowed for the server too: sheetport egress allow HOST.

        sheetport agents allow orders api.example.com

        sheetport agents allow orders api.example.com --remove
    """
    with _agents(environment, data) as agents:
        path = f"{agents.path(agent)}/hosts"
        if remove:
            agents.client.data("DELETE", f"{path}/{quote(host, safe='')}")
        else:
            agents.client.data("POST", path, {"host": host})
    err.print(f"{agent} may call {host}{' no more' if remove else ''}.", markup=False)


@agents_app.command()
def delete(agent: Chosen, environment: Environment = None, data: Data = None) -> None:
    """Delete an agent: it stops at once, and its token is refused.

    sheetport agents delete orders
    """
    with _agents(environment, data) as agents:
        agents.client.call("DELETE", agents.path(agent))
    err.print(f"{agent} is deleted.", markup=False)


def deploy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CommonJS program, or a Python one (.py).")],
    slug: Annotated[str, typer.Option("--slug", "-s", help="The agent's name; the same name is its next version.")] = (
        "default"
    ),
    topic: Annotated[
        list[str] | None, typer.Option("--topic", "-t", metavar="GLOB", help="Such as 'job:*'. Repeat it.")
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="Only events of this one, such as space:red.")] = None,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Deploy a program as an agent of an environment, which this server then runs.

    JavaScript is one CommonJS file that exports routeEvent: 'npx flatfile deploy' makes it of a listener and deploys it
    too. Python is one file with a Listener, as 'sheetport listen' runs it; what it imports from packages is pinned in
    its header (# /// script). Without --topic it is loaded here, and told of the topics of its handlers.

        sheetport deploy listener.cjs --slug orders --topic 'job:ready'

        sheetport deploy listener.py --slug orders
    """
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read ({error}).") from None
    compiler = "python" if file.suffix == ".py" else "js"
    topics = topic or (_topics(file, source) if compiler == "python" else ["**"])
    body = {"slug": slug, "topics": topics, "namespace": namespace, "compiler": compiler, "source": source}
    with _agents(environment, data) as agents:
        made = agents.client.data("POST", "/v1/agents", body, params={"environmentId": agents.environment_id})
        version = agents.state(f"/v1/agents/{made['id']}")["version"]
    err.print(f"{slug} runs version {version}.", markup=False)


def _topics(file: Path, source: str) -> list[str]:
    """What the handlers of a Python program are registered for."""
    try:
        read_requirements(source.encode())
        topics = load_listener(file).topics()
    except Invalid as error:
        raise CommandError(error.message) from None
    except ListenerLoadError as error:
        raise CommandError(f"{error} To deploy it without loading it here, name its topics with --topic.") from None
    if not topics:
        raise CommandError(f'The Listener of {file} has no handler. Write one below @listener.on("job:ready").')
    return topics


def _only(failed: bool) -> dict[str, str]:
    return {"success": "false"} if failed else {}


@contextmanager
def _agents(environment: str | None, data: Path | None) -> Iterator[_Agents]:
    with environment_caller(environment, data, "agents", or_login=True) as caller, caller.client() as client:
        yield _Agents(client, caller.environment_id)
