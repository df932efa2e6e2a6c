"""Wire shapes of secrets and environment variables. Their reprs hide the values."""

from __future__ import annotations

from sheetport.features.secrets.model import Secret
from sheetport.http.wire import Wire


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
