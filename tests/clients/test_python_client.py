"""PyPI ``flatfile`` 1.0.0, unmodified: from an environment to a completed job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flatfile
import httpx
import pytest
from flatfile import Flatfile
from flatfile.core.api_error import ApiError

from clients.conftest import Furnished


@pytest.fixture
def client(furnished: Furnished) -> Iterator[Flatfile]:
    with httpx.Client() as http:
        server = furnished.server
        yield Flatfile(base_url=f"{server.url}/v1", token=server.development["secretKey"], httpx_client=http)


@pytest.fixture
def workbook(client: Flatfile, furnished: Furnished) -> Any:
    """A workbook with one sheet, made by the client."""
    environment = furnished.server.development["id"]
    space = client.spaces.create(name="By Python", environment_id=environment).data
    fields = [flatfile.Property_String(type="string", key="iata"), flatfile.Property_Number(type="number", key="seats")]
    sheet = flatfile.SheetConfig(name="Airlines", slug="airlines", fields=fields)
    return client.workbooks.create(
        name="Python's", space_id=space.id, environment_id=environment, sheets=[sheet], labels=["py"]
    ).data


def test_environments(client: Flatfile, furnished: Furnished) -> None:
    development = furnished.server.development
    assert [(item.id, item.name, item.is_prod) for item in client.environments.list().data] == [
        (development["id"], "development", False)
    ]
    assert client.environments.get(development["id"]).data.name == "development"
    with pytest.raises(ApiError) as refused:
        client.environments.get(furnished.server.production["id"])
    assert refused.value.status_code == 404


def test_spaces(client: Flatfile, furnished: Furnished) -> None:
    environment = furnished.server.development["id"]
    made = client.spaces.create(name="Autumn", environment_id=environment, metadata={"a": {"b": 1}}, labels=["x"]).data
    got = client.spaces.get(made.id).data
    assert (got.name, got.environment_id, got.metadata, got.labels) == ("Autumn", environment, {"a": {"b": 1}}, ["x"])
    assert made.id in {space.id for space in client.spaces.list(environment_id=environment).data}


def test_workbooks(client: Flatfile, workbook: Any) -> None:
    got = client.workbooks.get(workbook.id).data
    assert (got.name, got.space_id, got.labels) == ("Python's", workbook.space_id, ["py"])
    assert [(field.key, field.type) for field in got.sheets[0].config.fields] == [
        ("iata", "string"),
        ("seats", "number"),
    ]
    assert [item.id for item in client.workbooks.list(space_id=workbook.space_id).data] == [workbook.id]


def test_records(client: Flatfile, workbook: Any) -> None:
    sheet = workbook.sheets[0].id
    rows = [{"iata": {"value": "9E"}, "seats": {"value": 55}}, {"iata": {"value": "AA"}, "seats": {"value": None}}]
    inserted = client.records.insert(sheet, request=rows).data  # type: ignore[arg-type]
    assert inserted.success
    records = client.records.get(sheet).data.records
    assert [{key: cell.value for key, cell in record.values.items()} for record in records] == [
        {"iata": "9E", "seats": 55},
        {"iata": "AA", "seats": None},
    ]
    client.records.delete(sheet, ids=[records[0].id])
    assert [record.id for record in client.records.get(sheet).data.records] == [records[1].id]


def test_jobs(client: Flatfile, workbook: Any) -> None:
    job = client.jobs.create(type="workbook", operation="submit", source=workbook.id, trigger="immediate").data
    assert (job.status, job.operation) == ("ready", "submit")
    acknowledged = client.jobs.ack(job.id, request=flatfile.JobAckDetails(info="Reading", progress=40)).data
    assert (acknowledged.status, acknowledged.progress, acknowledged.info) == ("executing", 40, "Reading")
    done = flatfile.JobCompleteDetails(outcome=flatfile.JobOutcome(message="Sent", acknowledge=True))
    completed = client.jobs.complete(job.id, request=done).data
    assert (completed.status, completed.outcome["message"]) == ("complete", "Sent")  # type: ignore[index]
    topics = [event.topic for event in client.events.list(space_id=workbook.space_id, domain="job").data or []]
    assert {"job:created", "job:ready", "job:completed"} <= set(topics)


def test_secrets(client: Flatfile, furnished: Furnished) -> None:
    environment = furnished.server.development["id"]
    client.secrets.upsert(name="API KEY", value="of all", environment_id=environment)
    client.secrets.upsert(name="API KEY", value="of one", environment_id=environment, space_id=furnished.space)
    client.secrets.upsert(name="API KEY", value="of all, later", environment_id=environment)

    everywhere = client.secrets.list(environment_id=environment).data
    in_space = client.secrets.list(environment_id=environment, space_id=furnished.space).data
    assert [(secret.name, secret.value) for secret in everywhere] == [("API KEY", "of all, later")]
    assert [secret.value for secret in in_space] == ["of all, later", "of one"], (
        "the last of a name is the one that holds"
    )
    client.secrets.delete(in_space[-1].id)
    assert client.secrets.list(environment_id=environment, space_id=furnished.space).data == everywhere


def test_events(client: Flatfile, furnished: Furnished, workbook: Any) -> None:
    environment = furnished.server.development["id"]
    listed = client.events.list(environment_id=environment, space_id=workbook.space_id).data or []
    by_topic = {event.topic: event for event in listed}
    assert {"space:created", "workbook:created", "sheet:created"} <= set(by_topic)
    created = by_topic["workbook:created"]
    assert (created.domain, created.context.workbook_id) == ("workbook", workbook.id)
    assert client.events.get(created.id).data.context.space_id == workbook.space_id
