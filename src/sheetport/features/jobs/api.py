"""Routes of jobs, but for the one that makes them, which ``starts`` has.

The bodies of ack, complete, fail, cancel and update may be absent: ``data`` is None then.
"""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation
from litestar.types import ControllerRouterHandler

from sheetport.features.jobs import service
from sheetport.features.jobs.model import JobFilter
from sheetport.features.jobs.schemas import (
    JobAckDetails,
    JobCancelDetails,
    JobCompleteDetails,
    JobShape,
    JobSplitDetails,
    JobUpdate,
    to_change,
    to_parts,
    to_shape,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize, SpaceId
from sheetport.kernel.paging import page_of

WorkbookId = Annotated[str | None, QueryParameter(name="workbookId")]
FileId = Annotated[str | None, QueryParameter(name="fileId")]
ParentId = Annotated[str | None, QueryParameter(name="parentId", description="Only the parts of this job.")]
Source = Annotated[str | None, QueryParameter(name="source", description="Only jobs of this id.")]
ExcludeChildJobs = Annotated[bool, QueryParameter(name="excludeChildJobs", description="Leave parts out.")]
SortDirection = Annotated[
    Literal["asc", "desc"] | None,
    QueryParameter(name="sortDirection", description="By the time they were made; newest first unless 'asc'."),
]


async def provide_filter(
    environment_id: EnvironmentId = None,
    space_id: SpaceId = None,
    workbook_id: WorkbookId = None,
    file_id: FileId = None,
    parent_id: ParentId = None,
    source: Source = None,
    exclude_child_jobs: ExcludeChildJobs = False,
    sort_direction: SortDirection = None,
) -> JobFilter:
    """The filter a list's query describes."""
    return JobFilter(
        environment_id=environment_id,
        space_id=space_id,
        workbook_id=workbook_id,
        file_id=file_id,
        parent_id=parent_id,
        source=source,
        exclude_child_jobs=exclude_child_jobs,
        oldest_first=sort_direction == "asc",
    )


@get("/", dependencies={"wanted": Provide(provide_filter)})
async def list_jobs(
    call: Caller,
    wanted: NamedDependency[SkipValidation[JobFilter]],
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[JobShape]:
    paged = await call.read(service.list_jobs, wanted, page_of(page_number, page_size, 20))
    return Listed(data=[to_shape(job) for job in paged.items], pagination=pagination_of(paged))


@get("/{job_id:str}")
async def get_job(call: Caller, job_id: FromPath[str]) -> Data[JobShape]:
    return Data(data=to_shape(await call.read(service.get_job, job_id)))


@patch("/{job_id:str}")
async def update_job(call: Caller, job_id: FromPath[str], data: JSONBody[JobUpdate | None] = None) -> Data[JobShape]:
    return Data(data=to_shape(await call.write(service.update_job, job_id, to_change(data))))


@delete("/{job_id:str}", status_code=200)
async def delete_job(call: Caller, job_id: FromPath[str]) -> Success:
    await call.write(service.delete_job, job_id)
    return OK


@post("/{job_id:str}/execute", status_code=200)
async def execute_job(call: Caller, job_id: FromPath[str]) -> Success:
    await call.write(service.execute_job, job_id)
    return OK


@post("/{job_id:str}/ack", status_code=200)
async def ack_job(call: Caller, job_id: FromPath[str], data: JSONBody[JobAckDetails | None] = None) -> Data[JobShape]:
    return Data(data=to_shape(await call.write(service.acknowledge_job, job_id, to_change(data))))


@post("/{job_id:str}/outcome/ack", status_code=200)
async def ack_outcome(call: Caller, job_id: FromPath[str]) -> Data[JobShape]:
    return Data(data=to_shape(await call.write(service.acknowledge_outcome, job_id)))


@post("/{job_id:str}/complete", status_code=200)
async def complete_job(
    call: Caller, job_id: FromPath[str], data: JSONBody[JobCompleteDetails | None] = None
) -> Data[JobShape]:
    said = data or JobCompleteDetails()
    job = await call.write(service.complete_job, job_id, outcome=said.outcome, info=said.info)
    return Data(data=to_shape(job))


@post("/{job_id:str}/fail", status_code=200)
async def fail_job(
    call: Caller, job_id: FromPath[str], data: JSONBody[JobCompleteDetails | None] = None
) -> Data[JobShape]:
    said = data or JobCompleteDetails()
    job = await call.write(service.fail_job, job_id, outcome=said.outcome, info=said.info)
    return Data(data=to_shape(job))


@post("/{job_id:str}/cancel", status_code=200)
async def cancel_job(
    call: Caller, job_id: FromPath[str], data: JSONBody[JobCancelDetails | None] = None
) -> Data[JobShape]:
    said = data or JobCancelDetails()
    return Data(data=to_shape(await call.write(service.cancel_job, job_id, info=said.info)))


@post("/{job_id:str}/retry", status_code=200)
async def retry_job(call: Caller, job_id: FromPath[str]) -> Data[JobShape]:
    return Data(data=to_shape(await call.write(service.retry_job, job_id)))


@post("/{job_id:str}/split", status_code=200)
async def split_job(call: Caller, job_id: FromPath[str], data: JSONBody[JobSplitDetails]) -> Data[JobShape]:
    parallel = bool(data.run_in_parallel)
    return Data(data=to_shape(await call.write(service.split_job, job_id, to_parts(data), parallel=parallel)))


@get("/{job_id:str}/plan")
async def get_plan(call: Caller, job_id: FromPath[str]) -> Success:
    return await call.read(service.get_plan, job_id)


@put("/{job_id:str}/plan")
async def update_plan(call: Caller, job_id: FromPath[str]) -> Success:
    return await call.read(service.get_plan, job_id)


@patch("/{job_id:str}/plan")
async def update_plan_fields(call: Caller, job_id: FromPath[str]) -> Success:
    return await call.read(service.get_plan, job_id)


#: The handlers below ``/v1/jobs``.
handlers: list[ControllerRouterHandler] = [
    *(list_jobs, get_job, update_job, delete_job),
    *(execute_job, ack_job, ack_outcome, complete_job, fail_job, cancel_job, retry_job, split_job),
    *(get_plan, update_plan, update_plan_fields),
]
