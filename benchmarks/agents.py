"""What one hosted agent with an empty handler costs: events a second, time beside the handler, first start, memory.

    python benchmarks/agents.py [EVENTS]

Starts ``sheetport serve`` on a temporary folder (SQLite) and deploys an agent that does nothing. EVENTS (default 600)
events are written while the agent is paused, first all in one space and then over four; the time runs from resuming it
until none waits. ``warm`` and ``cold`` are the medians of what executions say they took, and ``between`` is the time
between two executions of one space: the handing over, with the commit of what came before. Memory is what the
server measured of the agent's process (its largest resident size), which holds only this program.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hosted import Hosted, wait_for
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

EMPTY = "exports.routeEvent = async () => {}"
TOPIC = "data-clip:created"
COLD_STARTS = 9


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def drained(hosted: Hosted, events: int, spaces: int) -> None:
    """Print how fast the agent handles events that wait for it."""
    agent = hosted.deploy(EMPTY, TOPIC, slug=f"of {spaces}")
    places = [hosted.space() for _ in range(spaces)]
    for place in places:  # a warm process each
        hosted.tell(place)
    wait_for(lambda: len(hosted.executions(agent)) == spaces)
    hosted.call("POST", f"/v1/agents/{agent}/pause")
    for number in range(events):
        hosted.tell(places[number % spaces])
    began = time.monotonic()
    hosted.call("POST", f"/v1/agents/{agent}/resume")
    wait_for(lambda: hosted.count(agent) == events + spaces, 300)
    seconds = time.monotonic() - began
    found = [each for each in hosted.executions(agent) if each["attempt"] == 1]
    own = sorted(found, key=lambda each: each["createdAt"])
    own = [each for each in own if each["spaceId"] == own[0]["spaceId"]]
    gaps = [moment(b["createdAt"]) - moment(a["completedAt"]) for a, b in pairwise(own)]
    warm = statistics.median(each["duration"] for each in found)
    memory = max(each["memoryUsage"] for each in found) / 1e6
    between = 1_000 * statistics.median(gaps)
    print(
        f"{spaces} space(s): {events / seconds:.0f} events/s, warm {warm:.0f} ms, between {between:.1f} ms,"
        f" largest process {memory:.0f} MB",
        flush=True,
    )
    hosted.call("DELETE", f"/v1/agents/{agent}")


def started(hosted: Hosted) -> None:
    """Print how long a first event takes."""
    times = []
    for number in range(COLD_STARTS):
        agent = hosted.deploy(EMPTY, TOPIC, slug=f"cold {number}")
        hosted.tell(hosted.space())
        wait_for(lambda agent=agent: hosted.executions(agent))
        (first,) = hosted.executions(agent)
        times.append(first["duration"])
        hosted.call("DELETE", f"/v1/agents/{agent}")
        time.sleep(0.5)
    print(f"cold start: median {statistics.median(times):.0f} ms, slowest {max(times)} ms", flush=True)


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    with tempfile.TemporaryDirectory() as folder:
        server = SheetportServer(DataPlace("sqlite", Path(folder) / "data", None))
        server.start()
        hosted = Hosted(server)
        started(hosted)
        for spaces in (1, 4):
            drained(hosted, events, spaces)
        server.stop()


if __name__ == "__main__":
    main()
