"""Jobs: created, moved through the one table of steps, and told of."""

from sheetport.features.jobs.service.changing import (
    acknowledge_job,
    acknowledge_outcome,
    cancel_job,
    complete_job,
    delete_job,
    execute_job,
    fail_job,
    retry_job,
    update_job,
)
from sheetport.features.jobs.service.creating import create_job, create_system_job, place_jobs, split_job
from sheetport.features.jobs.service.moving import move
from sheetport.features.jobs.service.reading import count_by_status, get_job, get_plan, list_jobs, was_submitted
from sheetport.features.jobs.service.served import serve_jobs

__all__ = [
    "acknowledge_job",
    "acknowledge_outcome",
    "cancel_job",
    "complete_job",
    "count_by_status",
    "create_job",
    "create_system_job",
    "delete_job",
    "execute_job",
    "fail_job",
    "get_job",
    "get_plan",
    "list_jobs",
    "move",
    "place_jobs",
    "retry_job",
    "serve_jobs",
    "split_job",
    "update_job",
    "was_submitted",
]
