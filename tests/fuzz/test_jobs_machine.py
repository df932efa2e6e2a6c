"""Whatever is done to jobs in whatever order, each is where the model says and told what the model says."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from fuzz.job_model import Model, ModelJob, Refused
from fuzz.play import Play, play
from job_calls import BOOK, put_places
from servers.data_places import DataPlace
from sheetport.features.jobs.jobs import fail_overdue
from sheetport.features.jobs.model import INITIAL, PATIENCE, Action, Status
from worlds import World

EXAMPLES = {"sqlite": 25, "postgresql": 8}
STEPS = 20
#: The actions that have a route of their own and no body to speak of.
ROUTES = tuple(
    getattr(Action, name) for name in ("EXECUTE", "ACK", "COMPLETE", "FAIL", "CANCEL", "RETRY", "ACK_OUTCOME")
)
TOWARDS = {
    Status.PLANNING: Action.PLAN,
    Status.SCHEDULED: Action.SCHEDULE,
    Status.READY: Action.EXECUTE,
    Status.EXECUTING: Action.ACK,
    Status.COMPLETE: Action.COMPLETE,
    Status.FAILED: Action.FAIL,
    Status.CANCELED: Action.CANCEL,
}


class JobsMachine(RuleBasedStateMachine):
    jobs = Bundle("jobs")

    def __init__(self, playing: Play) -> None:
        super().__init__()
        self.play = playing
        self.model = Model()

    @initialize(target=jobs)
    def begin(self) -> ModelJob:
        return self._create({"trigger": "immediate"}, Status.CREATED, [], at_once=True)

    @rule(
        target=jobs,
        status=st.sampled_from(INITIAL),
        at_once=st.booleans(),
        before=st.lists(jobs, max_size=2, unique_by=id),
    )
    def create(self, status: Status, before: list[ModelJob], at_once: bool) -> Any:
        before = [job for job in before if not job.gone]
        body: dict[str, Any] = {"status": status.value, "predecessorIds": [job.id for job in before]}
        try:
            return self._create(body | ({"trigger": "immediate"} if at_once else {}), status, before, at_once=at_once)
        except Refused:
            return multiple()

    def _create(self, body: dict[str, Any], status: Status, before: list[ModelJob], *, at_once: bool) -> ModelJob:
        reply = self.play.call("POST", "/v1/jobs", {"type": "workbook", "operation": "go", "source": BOOK} | body)
        try:
            job = self.model.create(status, before, at_once=at_once)
        except Refused:
            assert reply.status == 400, reply.body
            raise
        assert reply.status == 200, reply.body
        job.id = reply.data["id"]
        return job

    @rule(job=jobs, action=st.sampled_from(ROUTES))
    def act(self, job: ModelJob, action: Action) -> None:
        self._expect(job, action, self.play.call("POST", f"/v1/jobs/{job.id}/{action.value}").status)

    @rule(job=jobs, status=st.sampled_from(Status))
    def update(self, job: ModelJob, status: Status) -> None:
        reply = self.play.call("PATCH", f"/v1/jobs/{job.id}", {"status": status.value})
        self._expect(job, Action.UPDATE if status is job.status else TOWARDS.get(status), reply.status)

    def _expect(self, job: ModelJob, action: Action | None, status: int) -> None:
        if job.gone:
            assert status == 404
            return
        try:
            if action is None:  # nobody can ask a job to wait or to be new
                raise Refused
            self.model.act(job, action)
        except Refused:
            assert status == 400
        else:
            assert status == 200

    @rule(target=jobs, job=jobs, parts=st.integers(1, 3), parallel=st.booleans())
    def split(self, job: ModelJob, parts: int, parallel: bool) -> Any:
        reply = self.play.call("POST", f"/v1/jobs/{job.id}/split", {"parts": parts, "runInParallel": parallel})
        if job.gone:
            assert reply.status == 404
            return multiple()
        try:
            made = self.model.split(job, parts, parallel=parallel)
        except Refused:
            assert reply.status == 400
            return multiple()
        assert reply.status == 200, reply.body
        found = {part["part"]: part["id"] for part in self.play.ok("GET", f"/v1/jobs?parentId={job.id}")}
        assert sorted(found) == list(range(1, parts + 1))
        for part in made:
            part.id = found[part.number]
        return multiple(*made)

    @rule(job=consumes(jobs))
    def delete(self, job: ModelJob) -> None:
        reply = self.play.call("DELETE", f"/v1/jobs/{job.id}")
        assert reply.status == (404 if job.gone else 200)
        if not job.gone:
            self.model.delete(job)

    @precondition(lambda self: not any(job.patient and job.parent and job.parent.patient for job in self.model.living))
    @rule()
    def lose_patience(self) -> None:
        """Not where a job and its part both wait for a sign: which of them fails first is not said."""
        self.play.world.clock.advance(PATIENCE)
        while self.play.do(self.play.world.db.write(fail_overdue)):
            pass
        self.model.lose_patience()

    @invariant()
    def every_job_is_where_the_model_says(self) -> None:
        found = {job["id"]: job["status"] for job in self.play.ok("GET", "/v1/jobs?pageSize=1000")}
        mine = {job.id: job.status.value for job in self.model.living}
        assert {id_: found.get(id_) for id_ in mine} == mine
        assert not [job for job in self.model.jobs if job.gone and job.id in found]

    def teardown(self) -> None:
        """Every job was told of as the model says; then room is made for the next run."""
        told: dict[str, list[str]] = {}
        events = self.play.do(self.play.world.events())
        for event in events:
            told.setdefault(json.loads(event["context"]).get("jobId", ""), []).append(event["topic"])
        for job in self.model.jobs:
            assert told[job.id] == job.told, job
        for job in self.model.living:
            self.play.call("DELETE", f"/v1/jobs/{job.id}")


async def test_jobs(world: World, data_place: DataPlace, more: int) -> None:
    await put_places(world)
    await play(JobsMachine, world, EXAMPLES[data_place.kind] * more, STEPS)
