"""An environment on its way out of a server or into one."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheetport.features.actions.model import Action
from sheetport.features.apps.model import App
from sheetport.features.documents.model import Document
from sheetport.features.environments.model import Environment
from sheetport.features.jobs.model import Job
from sheetport.features.secrets.model import EntryName
from sheetport.features.sheets.model import Sheet
from sheetport.features.spaces.model import Space
from sheetport.features.workbooks.model import Workbook
from sheetport.kernel.clock import HOUR

#: The layout of the files; a change that older versions cannot read raises it.
FORMAT = 1
#: After this long without a sign of life an import is given up.
STALE = HOUR


@dataclass(frozen=True, slots=True)
class Outline:
    """What of an environment is small enough to be read at once; ``spaces`` and ``apps`` by id."""

    environment: Environment
    apps: list[App]
    spaces: list[Space]
    names: list[EntryName]


@dataclass(frozen=True, slots=True)
class PlacedSheet:
    """A sheet whose records, ``size`` bytes of them, lie there already, the newest as number ``last``."""

    sheet: Sheet
    last: int
    size: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An environment to be made: everything but its records, with its own ids. Apps have those they came with."""

    environment: Environment
    apps: list[App] = field(default_factory=list)
    spaces: list[Space] = field(default_factory=list)
    workbooks: list[Workbook] = field(default_factory=list)
    sheets: list[PlacedSheet] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made. The keys are shown once; ``remarks`` say what is not as it was."""

    environment_id: str
    secret_key: str = field(repr=False)
    publishable_key: str = field(repr=False)
    remarks: list[str] = field(default_factory=list)
