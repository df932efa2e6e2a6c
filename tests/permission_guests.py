"""What guests may do, by route: of all of the space, of the workbook, of its sheet, and of the space beside it.

Everything that is not here they may not, wherever it is.
"""

from __future__ import annotations

GUEST_ACTORS = ("guest", "guest_of_workbook", "guest_of_sheet", "other_guest")
#: Of a list that shows what is one's own; of the sheet and what holds it; of what lies on the workbook.
_EACH, _SEEN, _OF_BOOK = "ok ok ok ok", "ok ok ok 404", "ok ok 404 404"
_NOTHING = "404 404 404 404"
#: What guests may do: outcomes in the order of GUEST_ACTORS, by route.
GUESTS: dict[str, str] = {
    "GET /v1/environments": _EACH,
    "GET /v1/environments/{environment_id}": _EACH,
    "GET /v1/agents": _EACH,
    "GET /v1/agents/{agent_id}": _NOTHING,
    "GET /v1/agents/{agent_id}/versions": _NOTHING,
    "GET /v1/agents/{agent_id}/state": _NOTHING,
    "GET /v1/agents/{agent_id}/logs": _NOTHING,
    "GET /v1/agents/{agent_id}/roles": _NOTHING,
    "GET /v1/agent-exports/{agent_export_id}": _NOTHING,
    "POST /v1/oauth/introspect": _EACH,
    "GET /v1/events": _EACH,
    "GET /v1/events/{event_id}": "ok 404 404 404",
    "POST /v1/events/{event_id}/ack": "ok 404 404 404",
    "GET /v1/events/stream": _SEEN,
    "GET /v1/subscription": _SEEN,
    "GET /v1/environments/subscription-token": _EACH,
    "GET /v1/spaces": _EACH,
    "GET /v1/spaces/{space_id}": _SEEN,
    "GET /v1/guests": "403 403 403 404",
    "POST /v1/guests": "403 403 403 404",
    "GET /v1/guests/{guest_id}": "ok 403 403 404",
    "POST /v1/invitations": "403 403 403 404",
    "GET /v1/workbooks": _EACH,
    "GET /v1/workbooks/{workbook_id}": _SEEN,
    "GET /v1/sheets": _SEEN,
    "GET /v1/sheets/{sheet_id}": _SEEN,
    "GET /v1/sheets/{sheet_id}/counts": _SEEN,
    "GET /v1/sheets/{sheet_id}/records": _SEEN,
    "POST /v1/sheets/{sheet_id}/records": _SEEN,
    "PUT /v1/sheets/{sheet_id}/records": _SEEN,
    "DELETE /v1/sheets/{sheet_id}/records": _SEEN,
    "GET /v1/commits/{commit_id}": _SEEN,
    "POST /v1/commits/{commit_id}/complete": _SEEN,
    "GET /v1/spaces/{space_id}/documents": "ok 403 403 404",
    "GET /v1/spaces/{space_id}/documents/{document_id}": "ok 403 403 404",
    "GET /v1/actions": _SEEN,
    "GET /v1/actions/{action_id}": _OF_BOOK,
    "GET /v1/entitlements": _SEEN,
    "POST /v1/versions": _SEEN,
    "GET /v1/jobs": _EACH,
    "POST /v1/jobs": "ok ok 403 404",
    "GET /v1/jobs/{job_id}": _OF_BOOK,
    "PATCH /v1/jobs/{job_id}": _OF_BOOK,
    "DELETE /v1/jobs/{job_id}": _OF_BOOK,
    "POST /v1/jobs/{idle_job_id}/execute": _OF_BOOK,
    "POST /v1/jobs/{job_id}/ack": _OF_BOOK,
    "POST /v1/jobs/{job_id}/complete": _OF_BOOK,
    "POST /v1/jobs/{job_id}/fail": _OF_BOOK,
    "POST /v1/jobs/{job_id}/cancel": _OF_BOOK,
    "POST /v1/jobs/{failed_job_id}/retry": _OF_BOOK,
    "POST /v1/jobs/{failed_job_id}/outcome/ack": _OF_BOOK,
    "POST /v1/jobs/{job_id}/split": _OF_BOOK,
    "GET /v1/jobs/{job_id}/plan": _NOTHING,
    "PUT /v1/jobs/{job_id}/plan": "404 404 404 404",
    "PATCH /v1/jobs/{job_id}/plan": "404 404 404 404",
}


def guest_outcomes(route: str) -> dict[str, int]:
    """The status for each guest."""
    outcomes = GUESTS.get(route, "403 403 403 403").split()
    return {actor: 200 if each == "ok" else int(each) for actor, each in zip(GUEST_ACTORS, outcomes, strict=True)}
