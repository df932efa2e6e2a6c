"""The route that makes a job. What is done to jobs afterwards is theirs."""

from __future__ import annotations

from litestar import post
from litestar.params import JSONBody

from sheetport.features.jobs.schemas import JobConfig, JobShape, to_draft, to_shape
from sheetport.features.starts import service
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Data


@post("/", status_code=200)
async def create_job(call: Caller, data: JSONBody[JobConfig]) -> Data[JobShape]:
    return Data(data=to_shape(await call.write(service.start_job, to_draft(data))))
