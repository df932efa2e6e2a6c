"""An action of a space, workbook, sheet or document, and how a new list of actions takes the place of the old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sheetport.features.places.model import Place
from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import json_path

#: Kinds of places that have actions, and what a constraint's refusal calls them.
TARGETS = {"sp": "space", "wb": "workbook", "sh": "sheet", "dc": "document"}
#: What each constraint asks for is there only on these.
_SHOWN_ON = {
    "hasAllValid": ("workbook", "sheet", "field"),
    "hasData": ("workbook", "sheet", "field"),
    "hasSelection": ("sheet", "field"),
    "hasColumnEnabled": ("sheet", "field"),
}


@dataclass(frozen=True, slots=True)
class Action:
    """``config`` is the wire object as clients sent it; ``ordinal`` its place among its target's actions."""

    environment_id: str
    id: str
    account_id: str
    space_id: str
    target_id: str
    ordinal: int
    config: dict[str, Any]
    created_at: int
    updated_at: int
    workbook_id: str | None = None
    sheet_id: str | None = None

    @property
    def schedule(self) -> str | None:
        """How often the action's job is made by itself: ``hourly``, ``daily`` or ``weekly``."""
        return self.config.get("schedule")

    @property
    def operation(self) -> str | None:
        """What the action's job is called, behind the type of what the action is on."""
        return self.config.get("operation") or self.config.get("slug")

    @property
    def mounted_on(self) -> str | None:
        """What it is shown on besides what it is on: ``sheet``, ``workbook``, ``field``, ``document`` or ``file``."""
        kind: str | None = self.config.get("mount", {}).get("type")
        return kind

    def is_shown_on(self, thing: Place) -> bool:
        """Whether it is on ``thing``, or on what that lies in and mounted on things like it."""
        if self.target_id == thing.id:
            return True
        slugs = self.config.get("mount", {}).get("slugs")
        word = "sheet" if self.mounted_on == "field" else self.mounted_on
        return word == TARGETS.get(thing.kind) and (slugs is None or thing.slug in slugs)

    @property
    def place(self) -> Place:
        """Where the action lies: inside its target, so that it ends with it."""
        return Place(
            self.environment_id, self.id, "act", self.account_id, self.space_id, self.workbook_id, self.sheet_id
        )


def refuse_misplaced(actions: list[dict[str, Any]], owner: str, at: str) -> None:
    """Refuse constraints that can never hold where an action is shown.

    ``owner`` is what has the actions (``space``, ``workbook``, ``sheet``, ``field``, ``document``); a ``mount`` says
    that an action is shown elsewhere too. Raises Invalid keyed ``actions[0].constraints[1]``.
    """
    for index, action in enumerate(actions):
        refuse_misplaced_constraints(action, owner, json_path(at, index))


def refuse_misplaced_constraints(action: dict[str, Any], owner: str, at: str) -> None:
    """:func:`refuse_misplaced` of one action whose path is ``at``."""
    mounted = action.get("mount", {}).get("type", owner)
    for number, constraint in enumerate(action.get("constraints", ())):
        kind = constraint["type"]
        if not {owner, mounted} & set(_SHOWN_ON[kind]):
            key = json_path(json_path(at, "constraints"), number)
            allowed = " or ".join(f"a {word}" for word in _SHOWN_ON[kind])
            raise Invalid(f"{key}: {kind} cannot hold on a {mounted}; put it on {allowed}, or leave it out.", key)


@dataclass(frozen=True, slots=True)
class Replacement:
    """What becomes of actions: (action, new config, new ordinal) of those kept, (ordinal, config) of new ones."""

    kept: list[tuple[Action, dict[str, Any], int]]
    added: list[tuple[int, dict[str, Any]]]
    gone: list[Action]


def replacement(known: list[Action], wanted: list[dict[str, Any]]) -> Replacement:
    """Which known action each wanted one is: the same operation, in order. So an edited action keeps its id."""
    left = list(known)
    kept: list[tuple[Action, dict[str, Any], int]] = []
    added: list[tuple[int, dict[str, Any]]] = []
    for ordinal, config in enumerate(wanted):
        same = next((action for action in left if _name(action.config) == _name(config)), None)
        if same is None:
            added.append((ordinal, config))
        else:
            left.remove(same)
            kept.append((same, config, ordinal))
    return Replacement(kept, added, left)


def _name(config: dict[str, Any]) -> Any:
    return config.get("operation") or config.get("slug") or config["label"]
