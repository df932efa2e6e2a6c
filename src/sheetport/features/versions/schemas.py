"""Wire shapes of versions."""

from __future__ import annotations

from sheetport.http.wire import Wire


class VersionsPostRequestBody(Wire):
    sheet_id: str | None = None
    parent_version_id: str | None = None


class NewVersionShape(Wire):
    version_id: str
