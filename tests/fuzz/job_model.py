"""What jobs do, said once more and plainly: the table of steps, what waits for what, and parts of a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sheetport.features.jobs.model import FINAL, STEPS, Action, Status

LOST = frozenset({Status.FAILED, Status.CANCELED})
RUNNING = frozenset({Status.READY, Status.EXECUTING})


@dataclass(eq=False)
class ModelJob:
    """``patient``: whether it fails when nobody gives a sign of life. ``told``: topics, oldest first."""

    status: Status
    before: list[ModelJob] = field(default_factory=list)
    parent: ModelJob | None = None
    number: int = 0
    id: str = ""
    told: list[str] = field(default_factory=lambda: ["job:created"])
    announced: bool = False
    patient: bool = False
    gone: bool = False


class Refused(Exception):
    """The table has no such step, or a predecessor stands in the way for good."""


class Model:
    """The jobs there are and were."""

    def __init__(self) -> None:
        self.jobs: list[ModelJob] = []

    @property
    def living(self) -> list[ModelJob]:
        return [job for job in self.jobs if not job.gone]

    def parts(self, job: ModelJob) -> list[ModelJob]:
        return [part for part in self.living if part.parent is job]

    def within(self, job: ModelJob) -> Iterator[ModelJob]:
        """Its parts and theirs."""
        for part in self.parts(job):
            yield part
            yield from self.within(part)

    def create(self, status: Status, before: list[ModelJob], *, at_once: bool) -> ModelJob:
        job = ModelJob(status, before, patient=status in RUNNING)
        if at_once and status is not Status.EXECUTING:
            self.make_ready(job, Action.EXECUTE)
        self.jobs.append(job)
        return job

    def act(self, job: ModelJob, action: Action) -> None:
        """Raises Refused."""
        if action in {Action.EXECUTE, Action.RETRY}:
            self.make_ready(job, action)
        else:
            self._move(job, action)

    def make_ready(self, job: ModelJob, action: Action) -> None:
        if (job.status, action) not in STEPS or (action is Action.EXECUTE and job.announced):
            raise Refused
        if any(other.gone or other.status in LOST for other in job.before):
            raise Refused
        waits = any(other.status is not Status.COMPLETE for other in job.before)
        self._move(job, Action.WAIT if waits else action)

    def split(self, job: ModelJob, parts: int, *, parallel: bool) -> list[ModelJob]:
        former = self.parts(job)
        if (job.status, Action.SPLIT) not in STEPS or any(part.status not in FINAL for part in former):
            raise Refused
        for part in former:
            self._remove(part)
        self._move(job, Action.SPLIT)
        made = [ModelJob(Status.CREATED, parent=job, number=number) for number in range(1, parts + 1)]
        for part in made:
            self.jobs.append(part)
            self._move(part, Action.EXECUTE if parallel or part.number == 1 else Action.WAIT)
        return made

    def delete(self, job: ModelJob) -> None:
        job.told.append("job:deleted")
        self._remove(job)

    def lose_patience(self) -> None:
        for job in [job for job in self.living if job.patient]:
            self._move(job, Action.EXPIRE)

    def _remove(self, job: ModelJob) -> None:
        gone = [job, *self.within(job)]
        for each in gone:
            each.gone, each.patient = True, False
        for each in gone:
            if each.status not in FINAL:
                self._ended(each)

    def _move(self, job: ModelJob, action: Action) -> None:
        if (job.status, action) not in STEPS:
            raise Refused
        was, step = job.status, STEPS[job.status, action]
        job.status = step.status
        job.told += step.topics
        if action not in {Action.UPDATE, Action.ACK_OUTCOME}:
            # While its parts run, a split job may be silent.
            silent = action is Action.SPLIT or (was is Status.EXECUTING and not job.patient)
            job.patient = job.status is Status.READY or (job.status is Status.EXECUTING and not silent)
            job.announced = job.status is Status.READY or (job.announced and was not in FINAL)
        if job.status in FINAL and was not in FINAL:
            self._ended(job)

    def _ended(self, job: ModelJob) -> None:
        for other in [other for other in self.living if job in other.before]:
            if other.status is not Status.WAITING:
                continue  # or no longer, by what the one before it caused
            if any(each.gone or each.status in LOST for each in other.before):
                self._move(other, Action.FORSAKE)
            elif all(each.status is Status.COMPLETE for each in other.before):
                self._move(other, Action.RELEASE)
        if not job.gone and job.status in LOST:
            for part in self.parts(job):
                if part.status not in FINAL:
                    self._move(part, Action.CANCEL)
        if job.parent is not None and not job.parent.gone and job.parent.status not in FINAL:
            self._went_on(job.parent)

    def _went_on(self, parent: ModelJob) -> None:
        """A part has ended: one at a time goes on, and when none is left the whole is told."""
        parts = self.parts(parent)
        if any(part.status in RUNNING for part in parts):
            return
        waiting = [part for part in parts if part.status is Status.WAITING]
        if waiting:
            self._move(min(waiting, key=lambda part: part.number), Action.RELEASE)
        elif all(part.status in FINAL for part in parts):
            parent.told.append("job:parts-completed")
            parent.patient = parent.status in RUNNING
