"""Query parameters that many routes take."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

PageNumber = Annotated[int | None, QueryParameter(name="pageNumber", description="Which page, counted from 1.")]
PageSize = Annotated[int | None, QueryParameter(name="pageSize", description="How many things a page holds.")]
EnvironmentId = Annotated[str | None, QueryParameter(name="environmentId")]
SpaceId = Annotated[str | None, QueryParameter(name="spaceId")]
