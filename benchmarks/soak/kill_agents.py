"""Kill a server at random moments while an agent handles events: none may be lost, and duplicates have the same id.

    python benchmarks/soak/kill_agents.py [EVENTS [KILLS [SEED [DATABASE_URL]]]]

1,000 events over four spaces and 10 kills by default, on SQLite or in an empty PostgreSQL database. The agent writes
the number of each event that it is told of. Prints what is missing, what was told out of its space's order, and how
often an event was told twice; ends with 1 if anything is missing or out of order.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from hosted import Hosted, wait_for
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

TOPIC = "data-clip:created"
SAY = "exports.routeEvent = async (event) => console.log(event.payload.number)"
SPACES = 4


def tell_all(hosted: Hosted, spaces: list[str], events: int, told: dict[str, int]) -> None:
    """Write the events, each again until it is acknowledged: one whose answer was lost counts as told too."""
    number = 0
    while number < events:
        try:
            told[hosted.tell(spaces[number % SPACES], TOPIC, number=number)] = number
            number += 1
        except (OSError, AssertionError):
            time.sleep(0.1)


def listed(hosted: Hosted, agent: str) -> list[tuple[str, str, str]]:
    """(space, event, when) of everything the agent did, the oldest first."""
    found, page = [], 1
    while True:
        path = f"/v1/agents/executions?environmentId={hosted.environment_id}&agentId={agent}&pageSize=100"
        rows = hosted.call("GET", f"{path}&pageNumber={page}&success=true")
        found += [(row["spaceId"], row["eventId"], row["createdAt"]) for row in rows]
        if len(rows) < 100:
            return sorted(found, key=lambda row: row[2])
        page += 1


def main() -> None:
    events, kills = (int(sys.argv[at]) if len(sys.argv) > at else default for at, default in ((1, 1_000), (2, 10)))
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**6)
    url = sys.argv[4] if len(sys.argv) > 4 else None
    dice, told = random.Random(seed), dict[str, int]()
    with tempfile.TemporaryDirectory() as folder:
        server = SheetportServer(DataPlace("postgresql" if url else "sqlite", Path(folder) / "data", url))
        server.start()
        hosted = Hosted(server)
        agent = hosted.deploy(SAY, TOPIC)
        spaces = [hosted.space() for _ in range(SPACES)]
        writing = threading.Thread(target=tell_all, args=(hosted, spaces, events, told))
        writing.start()
        for _ in range(kills):
            time.sleep(dice.uniform(0.2, 1.5))
            server.kill(signal.SIGKILL)
            server.restart()
        writing.join()
        wait_for(
            lambda: hosted.state(agent)["waiting"] == 0 and told.keys() <= {e for _, e, _ in listed(hosted, agent)}, 300
        )
        done = listed(hosted, agent)
        server.stop()
    missing = told.keys() - {event for _, event, _ in done}
    wrong = 0
    for space in spaces:
        numbers = [told[event] for place, event, _ in done if place == space and event in told]
        wrong += numbers != sorted(numbers)
    twice = len(done) - len({event for _, event, _ in done})
    print(
        f"seed {seed}: {events} events, {kills} kills, {len(missing)} missing,"
        f" {wrong} spaces out of order, {twice} twice"
    )
    sys.exit(1 if missing or wrong else 0)


if __name__ == "__main__":
    main()
