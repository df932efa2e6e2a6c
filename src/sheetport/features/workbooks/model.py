"""A workbook: sheets that belong together, in a space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sheetport.features.places.model import Place
from sheetport.features.sheets.model import Sheet, slug_of
from sheetport.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Workbook:
    """``sheets`` None: not asked for."""

    environment_id: str
    id: str
    account_id: str
    space_id: str
    created_at: int
    updated_at: int
    name: str | None = None
    namespace: str | None = None
    folder: str | None = None
    labels: list[str] | None = None
    actions: list[dict[str, Any]] | None = None
    settings: dict[str, Any] | None = None
    metadata: Any = None
    treatments: list[str] | None = None
    sheets: list[Sheet] | None = None

    @property
    def place(self) -> Place:
        """Where the workbook lies."""
        return Place(
            self.environment_id,
            self.id,
            "wb",
            self.account_id,
            self.space_id,
            workbook_id=self.id,
            namespace=self.namespace,
        )


@dataclass(frozen=True, slots=True)
class WorkbookChange:
    """What a request names; None stays as it is. ``sheets`` are checked wire objects."""

    name: str | None = None
    space_id: str | None = None
    environment_id: str | None = None
    namespace: str | None = None
    folder: str | None = None
    labels: list[str] | None = None
    actions: list[dict[str, Any]] | None = None
    settings: dict[str, Any] | None = None
    metadata: Any = None
    treatments: list[str] | None = None
    sheets: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class WorkbookFilter:
    """Which workbooks a list holds; None leaves a property open. A ``-`` in front of a word excludes it."""

    space_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    label: str | None = None
    treatment: str | None = None


#: What a sheet has beside its configuration: a client may send a sheet back as it read it.
_NOT_CONFIG = frozenset(
    {
        "id",
        "workbookId",
        "config",
        "namespace",
        "recordCounts",
        "lockedBy",
        "lockedAt",
        "createdFrom",
        "lastPropagatedAt",
        "updatedAt",
        "createdAt",
    }
)
Changed = list[tuple[Sheet, dict[str, Any], str | None]]


def match_sheets(known: list[Sheet], updates: list[dict[str, Any]]) -> tuple[Changed, list[dict[str, Any]]]:
    """What a workbook's update does to its sheets: (changed, added).

    ``changed`` holds (sheet, new configuration, new namespace or None); ``added`` holds configurations. Raises
    Invalid keyed by the path of the update that matches nothing, or whose sheet or slug comes twice.
    """
    changed: Changed = []
    added: list[tuple[int, dict[str, Any]]] = []
    for index, update in enumerate(updates):
        flat = {name: member for name, member in update.items() if name not in _NOT_CONFIG}
        sheet = _matched(known, update, index)
        if sheet is not None:
            base = {"slug": sheet.slug, **update["config"]} if "config" in update else sheet.config
            if any(other.id == sheet.id for other, _, _ in changed):
                raise Invalid(
                    f"sheets[{index}]: the sheet {sheet.slug!r} comes twice; merge the two.", f"sheets[{index}]"
                )
            changed.append((sheet, {**base, **flat}, update.get("namespace")))
        else:
            added.append((index, {**update.get("config", {}), **flat}))
    return changed, _with_free_slugs(known, changed, added)


def _matched(known: list[Sheet], update: dict[str, Any], index: int) -> Sheet | None:
    """The sheet an update names; None when it describes a new one."""
    config = update.get("config", {})
    if "id" in update:
        found = next((sheet for sheet in known if sheet.id == update["id"]), None)
        if found is None:
            raise Invalid(f"sheets[{index}].id: the workbook has no such sheet.", f"sheets[{index}].id")
        return found
    slug = update.get("slug") or config.get("slug")
    found = next((sheet for sheet in known if sheet.slug == slug), None)
    described = {**config, **update}
    if found is None and not ("name" in described and "fields" in described):
        message = "no sheet has this slug; give the id or slug of one, or a name and fields to add one."
        raise Invalid(f"sheets[{index}]: {message}", f"sheets[{index}]")
    return found


def _with_free_slugs(
    known: list[Sheet], changed: Changed, added: list[tuple[int, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The added configurations, each with a slug. Raises Invalid when two sheets would share one."""
    after = {sheet.id: sheet.slug for sheet in known} | {sheet.id: config["slug"] for sheet, config, _ in changed}
    taken = set(after.values())
    if len(taken) < len(after):
        raise Invalid("sheets: two sheets would have the same slug; give each its own.", "sheets")
    made = []
    for index, config in added:
        slug = config.get("slug") or slug_of(config["name"], taken)
        if slug in taken:
            key = f"sheets[{index}].slug"
            raise Invalid(f"{key}: the workbook already has a sheet {slug!r}; give each sheet its own slug.", key)
        taken.add(slug)
        made.append({**config, "slug": slug})
    return made
