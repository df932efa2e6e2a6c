"""Routes of a user's sessions, password and second factors, and of the account's rules for sign-ins.

Passkeys are made in a browser on this server's own pages; here they are listed, named and removed.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.logins import service
from sheetport.features.logins.schemas import (
    ChangePassword,
    EndedSessions,
    FactorsShape,
    NewTotp,
    PasskeyName,
    PolicyPatch,
    PolicyShape,
    ProveAgain,
    RecoveryCodes,
    SessionShape,
    SsoCheck,
    SsoPatch,
    SsoShape,
    TotpCode,
    to_factors,
    to_policy,
    to_session,
    to_sso,
    to_sso_change,
    to_sso_check,
    to_totp,
)
from sheetport.features.sso import service as sso
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success
from sheetport.http.visitors import visitor_of

_HEADERS = {"Cache-Control": "no-store"}
AnyRequest = Request[Any, Any, Any]
Which = Annotated[str, QueryParameter(name="which", description="others (all but the one that asks) or all.")]


@get("/sessions")
async def list_sessions(call: Caller) -> Data[list[SessionShape]]:
    return Data(data=[to_session(each) for each in await call.read(service.list_sessions)])


@delete("/sessions", status_code=200)
async def end_sessions(call: Caller, which: Which) -> Data[EndedSessions]:
    return Data(data=EndedSessions(ended=await call.write(service.end_sessions, which)))


@delete("/sessions/{session_id:str}", status_code=200)
async def end_session(call: Caller, session_id: FromPath[str]) -> Success:
    await call.write(service.end_session, session_id)
    return OK


@post("/sessions/current/proof", status_code=200)
async def prove_again(request: AnyRequest, call: Caller, data: JSONBody[ProveAgain]) -> Success:
    await service.prove_again(call.db, call.actor, data.password, data.code, visitor_of(request))
    return OK


@post("/password", status_code=200)
async def change_password(request: AnyRequest, call: Caller, data: JSONBody[ChangePassword]) -> Success:
    passwords = data.current_password, data.new_password
    await service.change_password(call.db, call.actor, *passwords, visitor_of(request))
    return OK


@get("/factors")
async def list_factors(call: Caller) -> Data[FactorsShape]:
    return Data(data=to_factors(await call.read(service.find_factors)))


@post("/factors/totp", status_code=200)
async def begin_totp(call: Caller) -> Data[NewTotp]:
    return Data(data=to_totp(await call.write(service.begin_totp)))


@post("/factors/totp/confirm", status_code=200)
async def confirm_totp(call: Caller, data: JSONBody[TotpCode]) -> Data[RecoveryCodes]:
    return Data(data=RecoveryCodes(recovery_codes=await call.write(service.confirm_totp, data.code)))


@delete("/factors/totp", status_code=200)
async def delete_totp(call: Caller) -> Success:
    await call.write(service.delete_totp)
    return OK


@post("/factors/recovery-codes", status_code=200)
async def create_recovery_codes(call: Caller) -> Data[RecoveryCodes]:
    return Data(data=RecoveryCodes(recovery_codes=await call.write(service.new_recovery_codes)))


@patch("/factors/passkeys/{passkey_id:str}")
async def rename_passkey(call: Caller, passkey_id: FromPath[str], data: JSONBody[PasskeyName]) -> Success:
    await call.write(service.rename_passkey, passkey_id, data.name)
    return OK


@delete("/factors/passkeys/{passkey_id:str}", status_code=200)
async def delete_passkey(call: Caller, passkey_id: FromPath[str]) -> Success:
    await call.write(service.delete_passkey, passkey_id)
    return OK


@get("/login-policy")
async def get_login_policy(call: Caller) -> Data[PolicyShape]:
    return Data(data=to_policy(await call.read(service.get_policy)))


@patch("/login-policy")
async def update_login_policy(call: Caller, data: JSONBody[PolicyPatch]) -> Data[PolicyShape]:
    return Data(data=to_policy(await call.write(service.set_policy, data.mfa_required, data.password_tokens)))


@get("/sso")
async def get_sso(call: Caller) -> Data[SsoShape]:
    return Data(data=to_sso(await call.read(sso.get_connection), call.settings.http.base_url))


@patch("/sso")
async def update_sso(call: Caller, data: JSONBody[SsoPatch]) -> Data[SsoShape]:
    made = await call.write(sso.set_connection, to_sso_change(data))
    return Data(data=to_sso(made, call.settings.http.base_url))


@delete("/sso", status_code=200)
async def delete_sso(call: Caller) -> Success:
    await call.write(service.remove_sso)
    return OK


@post("/sso/test", status_code=200)
async def test_sso(request: AnyRequest, call: Caller) -> Data[list[SsoCheck]]:
    checks = await sso.check_provider(call.db, request.app.state.providers, call.actor)
    return Data(data=[to_sso_check(each) for each in checks])


@delete("/sso/identities/{user_id:str}", status_code=200)
async def delete_sso_identity(call: Caller, user_id: FromPath[str]) -> Success:
    await call.write(sso.unlink_user, user_id)
    return OK


router = Router(
    "/v1/auth",
    route_handlers=[
        list_sessions,
        end_sessions,
        end_session,
        prove_again,
        change_password,
        list_factors,
        begin_totp,
        confirm_totp,
        delete_totp,
        create_recovery_codes,
        rename_passkey,
        delete_passkey,
        get_login_policy,
        update_login_policy,
        get_sso,
        update_sso,
        delete_sso,
        test_sso,
        delete_sso_identity,
    ],
    response_headers=_HEADERS,
    tags=["auth"],
)
