"""What factors do, by file: ``totp`` (authenticator apps), ``recovery`` (codes for when one is lost), ``passkeys``,
``factors`` (all of a user's), ``policy`` (what an account asks of sign-ins).

These are called by the slices above, which have found out who is asking, and how recently that was proved.
"""

from sheetport.features.factors.service.factors import find_factors, forget_factors
from sheetport.features.factors.service.passkeys import (
    assertion_options,
    delete_passkey,
    register_passkey,
    registration_options,
    rename_passkey,
    use_passkey,
)
from sheetport.features.factors.service.policy import find_policy, set_policy
from sheetport.features.factors.service.recovery import is_recovery_code, make_recovery_codes, use_recovery_code
from sheetport.features.factors.service.totp import (
    begin_totp,
    confirm_totp,
    delete_totp,
    pending_enrolment,
    reseal_totp,
    use_totp,
)

__all__ = [
    "assertion_options",
    "begin_totp",
    "confirm_totp",
    "delete_passkey",
    "delete_totp",
    "find_factors",
    "find_policy",
    "forget_factors",
    "is_recovery_code",
    "make_recovery_codes",
    "pending_enrolment",
    "register_passkey",
    "registration_options",
    "rename_passkey",
    "reseal_totp",
    "set_policy",
    "use_passkey",
    "use_recovery_code",
    "use_totp",
]
