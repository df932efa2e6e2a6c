"""Wire shapes of secrets and environment variables. Their reprs hide the values."""

from __future__ import annotations

from sheetport.features.secrets.model import EntryName, Schedule, Secret, Version
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none


class WriteSecret(Wire):
    name: str
    value: str
    environment_id: str | None = None
    space_id: str | None = None
    actor_id: str | None = None

    def __repr__(self) -> str:
        return f"WriteSecret(name={self.name!r})"


class SecretShape(Wire):
    id: str
    name: str
    value: str
    environment_id: str
    space_id: str | None = None
    actor_id: str | None = None

    def __repr__(self) -> str:
        return f"SecretShape(id={self.id!r}, name={self.name!r})"


class WriteVariable(Wire):
    value: str

    def __repr__(self) -> str:
        return "WriteVariable()"


class VariableShape(Wire):
    name: str
    value: str

    def __repr__(self) -> str:
        return f"VariableShape(name={self.name!r})"


def to_shape(secret: Secret) -> SecretShape:
    return SecretShape(
        id=secret.id,
        name=secret.name,
        value=secret.value,
        environment_id=secret.environment_id,
        space_id=secret.space_id,
        actor_id=secret.actor_id,
    )


class RotateSecret(Wire):
    """``value``, or the ``length`` of one to be made."""

    value: str | None = None
    length: int | None = None
    pending: bool = False
    overlap_seconds: int = 0

    def __repr__(self) -> str:
        return f"RotateSecret(pending={self.pending!r}, overlap_seconds={self.overlap_seconds!r})"


class PromoteSecret(Wire):
    version: int | None = None
    overlap_seconds: int = 0


class RollBackSecret(Wire):
    """``version`` is the one whose value comes back, by default the previous one."""

    version: int | None = None
    overlap_seconds: int = 0


class SecretVersionShape(Wire):
    """A version of a secret, without its value. ``served_until`` is how long a previous one is given out."""

    secret_id: str
    name: str
    environment_id: str
    version: int
    label: str
    created_at: str
    created_by: str
    space_id: str | None = None
    actor_id: str | None = None
    current_at: str | None = None
    ended_at: str | None = None
    served_until: str | None = None


class FoundSecret(Wire):
    """Where a secret is set."""

    id: str
    name: str
    environment_id: str
    space_id: str | None = None
    actor_id: str | None = None


class WriteSchedule(Wire):
    """``days`` null ends the schedule."""

    days: int | None = None


class ScheduleShape(Wire):
    secret_id: str
    name: str
    days: int | None = None
    due_at: str | None = None


class DataKeyShape(Wire):
    """An environment's new data key, how many values were sealed anew, and how many did not open."""

    key: str
    sealed: int
    stuck: int


class SoundShape(Wire):
    """Whether an environment's sealed rows are those that were written, and in sentences what is wrong."""

    sound: bool
    faults: list[str]


def to_version_shape(version: Version) -> SecretVersionShape:
    scope = version.scope
    return SecretVersionShape(
        secret_id=version.secret_id,
        name=version.name,
        environment_id=scope.environment_id,
        version=version.version,
        label=version.label.value,
        created_at=iso(version.created_at),
        created_by=version.created_by,
        space_id=scope.space_id or None,
        actor_id=scope.actor_id or None,
        current_at=iso_or_none(version.current_at),
        ended_at=iso_or_none(version.ended_at),
        served_until=iso_or_none(version.served_until),
    )


def to_found(found: EntryName) -> FoundSecret:
    return FoundSecret(
        id=found.id,
        name=found.name,
        environment_id=found.environment_id,
        space_id=found.space_id,
        actor_id=found.actor_id,
    )


def to_schedule_shape(schedule: Schedule) -> ScheduleShape:
    return ScheduleShape(
        secret_id=schedule.secret_id, name=schedule.name, days=schedule.days, due_at=iso_or_none(schedule.due_at)
    )
