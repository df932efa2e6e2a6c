"""What logins do, by file: ``steps`` (signing in), ``proving`` (again, and one's factors), ``passwords`` (change and
reset), ``single_sign_on``, ``sessions`` (listed and ended), ``policy``,
``tickets`` (what a browser carries from step to step).
"""

from sheetport.features.logins.service.passwords import (
    ask_for_reset,
    change_password,
    find_reset,
    make_reset_link,
    use_reset,
)
from sheetport.features.logins.service.policy import get_policy, set_policy
from sheetport.features.logins.service.proving import (
    add_passkey,
    begin_totp,
    confirm_totp,
    delete_passkey,
    delete_totp,
    find_factors,
    new_recovery_codes,
    own_user,
    passkey_options,
    pending_totp,
    prove_again,
    prove_again_by_passkey,
    rename_passkey,
)
from sheetport.features.logins.service.sessions import end_session, end_sessions, list_sessions
from sheetport.features.logins.service.single_sign_on import begin_sso, finish_sso, remove_sso
from sheetport.features.logins.service.steps import (
    begin_enrolment,
    finish_enrolment,
    known_device,
    make_challenge,
    sign_in,
    sign_in_by_code,
    sign_in_by_passkey,
)

__all__ = [
    "add_passkey",
    "ask_for_reset",
    "begin_enrolment",
    "begin_sso",
    "begin_totp",
    "change_password",
    "confirm_totp",
    "delete_passkey",
    "delete_totp",
    "end_session",
    "end_sessions",
    "find_factors",
    "find_reset",
    "finish_enrolment",
    "finish_sso",
    "get_policy",
    "known_device",
    "list_sessions",
    "make_challenge",
    "make_reset_link",
    "new_recovery_codes",
    "own_user",
    "passkey_options",
    "pending_totp",
    "prove_again",
    "prove_again_by_passkey",
    "remove_sso",
    "rename_passkey",
    "set_policy",
    "sign_in",
    "sign_in_by_code",
    "sign_in_by_passkey",
    "use_reset",
]
