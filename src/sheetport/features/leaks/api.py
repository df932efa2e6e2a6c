"""Routes by which found tokens are handed in. They need no caller: the token, or a signature, speaks for itself."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, post
from litestar.params import HeaderParameter, JSONBody

from sheetport.features.leaks import service
from sheetport.features.leaks.model import Reporter
from sheetport.features.leaks.schemas import (
    ExposedCredentials,
    Feedback,
    parse_credentials,
    parse_matches,
    to_feedback,
    to_report,
)
from sheetport.http.auth import PUBLIC
from sheetport.http.envelope import OK, Success
from sheetport.http.rates import RATE
from sheetport.kernel.errors import Forbidden
from sheetport.kernel.rates import Bucket
from sheetport.kernel.scanning_keys import is_signed, read_keys

KeyIdentifier = Annotated[str, HeaderParameter(name="Github-Public-Key-Identifier")]
Signature = Annotated[str, HeaderParameter(name="Github-Public-Key-Signature")]


@post("/revoke", status_code=202, opt={**PUBLIC, RATE: Bucket.REVOCATIONS})
async def revoke_credentials(request: Request[Any, Any, Any], data: JSONBody[ExposedCredentials]) -> Success:
    """Revokes every token that is one of this server's. The answer is the same whether it is or not."""
    await service.revoke_exposed(request.app.state.db, parse_credentials(data), Reporter.ANYONE)
    return OK


@post("/secret-scanning", status_code=200, opt={**PUBLIC, RATE: Bucket.REVOCATIONS})
async def take_secret_scanning(
    request: Request[Any, Any, Any], identifier: KeyIdentifier, signature: Signature
) -> list[Feedback]:
    """Takes the signed matches of a scanning service, revokes what is this server's, and says which were."""
    body = await request.body()
    _require_signature(request.app.state.settings.secret_scanning_keys, identifier, signature, body)
    matches = parse_matches(body)
    reports = [to_report(match) for match in matches]
    ours = await service.revoke_exposed(request.app.state.db, reports, Reporter.SECRET_SCANNING)
    return [to_feedback(match, is_ours) for match, is_ours in zip(matches, ours, strict=True)]


def _require_signature(keys: str | None, identifier: str, signature: str, body: bytes) -> None:
    if keys is None:
        raise Forbidden("This server takes no matches: set SHEETPORT_SECRET_SCANNING_KEYS_FILE.", "configuration")
    if not is_signed(read_keys(keys), identifier, signature, body):
        raise Forbidden("The signature is not one of a known key over this body.", "Github-Public-Key-Signature")


router = Router("/v1/credentials", route_handlers=[revoke_credentials, take_secret_scanning], tags=["credentials"])
