"""What an action asks of the job that it starts: the state of the data, a selection, a column, an input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sheetport.kernel.errors import Conflict, Invalid

#: The members of a job's query that say which records it is about.
_CHOOSING = frozenset({"ids", "filter", "commitId", "sinceCommitId"})
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a text"),
    "textarea": ((str,), "a text"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
}


@dataclass(frozen=True, slots=True)
class Button:
    """An action as it is pressed: its configuration and, for one of a column, the field."""

    config: dict[str, Any]
    field: dict[str, Any] | None = None

    @property
    def label(self) -> str:
        """What a refusal calls it."""
        return repr(self.config["label"][:60])

    @property
    def constraints(self) -> list[dict[str, Any]]:
        """Its constraints, those that older configurations spell as flags included."""
        found = list(self.config.get("constraints", ()))
        older = {"hasAllValid": "requireAllValid", "hasSelection": "requireSelection"}
        return found + [{"type": kind} for kind, flag in older.items() if self.config.get(flag) is True]

    def refuse_disabled(self) -> None:
        """Raise Conflict for an action that a message of type error disables."""
        for message in self.config.get("messages", ()):
            if message["type"] == "error":
                raise Conflict(f"The action {self.label} is disabled: {message['content'][:200]}", "operation")

    def require_column(self) -> None:
        """Raise Conflict for an action of a column that must be one that may be edited, and is not."""
        wanted = any(constraint["type"] == "hasColumnEnabled" for constraint in self.constraints)
        if wanted and self.field is not None and self.field.get("readonly"):
            raise Conflict(f"The action {self.label} needs a column that may be edited.", "subject.params.columnKey")

    def with_defaults(self, given: dict[str, Any] | None) -> dict[str, Any] | None:
        """The input with the defaults of the questions that it leaves out; what nobody asked for is kept."""
        made = dict(given or {})
        for question in self._questions():
            if made.get(question["key"]) is None and question.get("defaultValue") is not None:
                made[question["key"]] = question["defaultValue"]
        return made if made or given is not None else None

    def refuse_bad_input(self, given: dict[str, Any] | None) -> None:
        """Raise Invalid keyed ``input.key``, with every fault, unless the input answers the form."""
        faults = [fault for question in self._questions() if (fault := _fault(question, given or {})) is not None]
        if faults:
            (key, message), *more = faults
            raise Invalid(message, key, tuple(more))

    def _questions(self) -> list[dict[str, Any]]:
        return list(self.config.get("inputForm", {}).get("fields", ()))


def _fault(question: dict[str, Any], given: dict[str, Any]) -> tuple[str, str] | None:
    key = f"input.{question['key']}"
    answer = given.get(question["key"])
    if answer is None or answer == "":
        required = any(constraint["type"] == "required" for constraint in question.get("constraints", ()))
        return (key, f"{key}: the form requires an answer to {question['label'][:60]!r}.") if required else None
    if question["type"] == "enum":
        options = [option["value"] for option in question.get("config", {}).get("options", ())]
        if not any(answer == option and isinstance(answer, bool) is isinstance(option, bool) for option in options):
            return key, f"{key}: choose one of {', '.join(map(str, options))[:200]}."
        return None
    types, words = _KINDS.get(question["type"], ((object,), ""))
    if not isinstance(answer, types) or (isinstance(answer, bool) and bool not in types and object not in types):
        return key, f"{key}: give {words}."
    return None


def selection_of(subject: dict[str, Any] | None) -> dict[str, Any] | None:
    """The query that chooses the records of a job's subject, by wire names; None for all of them."""
    if not subject or subject.get("type") != "collection" or not isinstance(subject.get("query"), dict):
        return None
    query = {name: value for name, value in subject["query"].items() if name in _CHOOSING and value not in (None, [])}
    return query or None


def column_of(subject: dict[str, Any] | None) -> str | None:
    """The key of the field that a job is about."""
    params = (subject or {}).get("params")
    key = params.get("columnKey") if isinstance(params, dict) else None
    return key if isinstance(key, str) else None
