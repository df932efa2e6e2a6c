"""``sheetport listen file.py``: loading a file, and loading it again while events flow."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.listener_stub import ENVIRONMENT, KEY, Stub, listener_stub
from sheetport.listener import ListenerLoadError
from sheetport.listener.runner import MODULE_NAME, listen, load_listener

FILE = """
from sheetport.listener import Listener
from words import WORD
listener = Listener()
red = listener.namespace("space:red")

@listener.on("job:ready")
async def handle(event):
    await event.job.complete(WORD + " " + event.id)
"""


@pytest.fixture
def stub() -> Iterator[Stub]:
    with listener_stub() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "words.py").write_text('WORD = "one"\n')
    (tmp_path / "flow.py").write_text(FILE)
    yield tmp_path
    for name in ("words", MODULE_NAME):
        sys.modules.pop(name, None)


def job(number: int) -> dict[str, Any]:
    return {"id": f"e{number}", "topic": "job:ready", "context": {"jobId": f"j{number}"}, "payload": {}}


async def until(condition: Any) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)


def outcomes(stub: Stub) -> list[str]:
    return [body["outcome"]["message"] for _, body in stub.job_calls()]


def test_the_one_listener_of_a_file_is_found_and_its_children_do_not_count(folder: Path) -> None:
    assert load_listener(folder / "flow.py").handlers_for(job(1))[0].__name__ == "handle"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1", "holds no Listener"),
        ("from sheetport.listener import Listener\na = Listener()\nb = Listener()", "holds 2 Listeners"),
        ("x = 1\ndef (", r"flow\.py:2: SyntaxError"),
        ("import words\n\n1 / 0", r"flow\.py:3: ZeroDivisionError: division by zero"),
        ("import no_such_module_at_all", r"flow\.py:1: ModuleNotFoundError"),
        ("raise SystemExit(2)", r"flow\.py:1: SystemExit"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(folder: Path, text: str, says: str) -> None:
    (folder / "flow.py").write_text(text)
    with pytest.raises(ListenerLoadError, match=says):
        load_listener(folder / "flow.py")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListenerLoadError, match=r"There is no file .*absent\.py"):
        load_listener(tmp_path / "absent.py")


async def test_a_changed_file_is_loaded_again_a_broken_one_is_told_and_no_event_is_missed(
    folder: Path, stub: Stub
) -> None:
    told: list[str] = []
    connected: list[str] = []
    stop = asyncio.Event()
    running = asyncio.create_task(
        listen(
            folder / "flow.py",
            reload=True,
            environment_id=ENVIRONMENT,
            api_url=stub.url,
            token=KEY,
            on_connected=connected.append,
            report=told.append,
            stop=stop,
        )
    )
    await until(lambda: connected)
    stub.publish(job(1))
    await until(lambda: len(outcomes(stub)) == 1)

    (folder / "words.py").write_text('WORD = "two"\n')
    await until(lambda: len(told) == 1)
    stub.publish(job(2))
    await until(lambda: len(outcomes(stub)) == 2)

    (folder / "flow.py").write_text("def (")
    await until(lambda: len(told) == 2)
    stub.publish(job(3))
    await until(lambda: len(outcomes(stub)) == 3)

    (folder / "flow.py").write_text(FILE.replace('" "', '"-"'))
    await until(lambda: len(told) == 3)
    stub.publish(job(4))
    await until(lambda: len(outcomes(stub)) == 4)

    assert outcomes(stub) == ["one e1", "two e2", "two e3", "two-e4"]
    assert "SyntaxError" in told[1]
    assert "goes on until this is fixed" in told[1]
    assert len([call for call in stub.of("/v2/subscribe/") if "tt" not in call.query]) == 1
    stop.set()
    await asyncio.wait_for(running, 10)
    assert not list(folder.rglob("*.pyc"))


async def test_the_listener_of_the_guide_works_as_written(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "howto" / "python-listeners.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "submit.py").write_text(blocks[0] + blocks[2])
    listener = load_listener(tmp_path / "submit.py")
    stub.secrets = [{"name": "WEBHOOK_URL", "value": f"{stub.url}/hook"}, {"name": "EXTERNAL_API_KEY", "value": KEY}]
    stub.data = [{"id": "us_sh_1"}]
    event = {
        "id": "e1",
        "topic": "job:ready",
        "context": {"environmentId": ENVIRONMENT, "jobId": "j1", "workbookId": "us_wb_1"},
        "payload": {"job": "workbook:submitAction"},
    }
    assert await listener.dispatch(event, api_url=stub.url, token=KEY) == []
    assert [step for step, _ in stub.job_calls()] == ["j1/ack", "j1/complete"]
    assert [call.body for call in stub.of("/hook")] == [stub.data]
    sys.modules.pop(MODULE_NAME)
