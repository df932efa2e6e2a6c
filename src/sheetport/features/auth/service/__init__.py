"""What auth does, by file: ``mint`` (new credentials), ``keys`` (of environments), ``tokens`` (of users), ``sign_in``,
``revoke``, ``rotate``, ``policy`` (how old they become), ``narrowing`` (what they may do and from where), ``change``,
``reports``, ``imports``, ``watch`` (what is told of them), ``verify`` (who a token is), ``actors`` (what they have),
``live`` (whether it still is), ``refusals`` (why it is not), ``proofs`` (of the keys that tokens are bound to),
``derived`` (tokens without a row), ``passwords`` (and ``password_rules``), ``recognise`` (what a found token is),
``last_used``, ``restored`` (what a restore ends).
"""

from sheetport.features.accounts.service import set_key_max_age
from sheetport.features.auth.service.change import change_credential, end_credential
from sheetport.features.auth.service.derived import (
    GUEST_LIFETIME,
    GUEST_PREFIX,
    SPACE_PREFIX,
    GuestClaim,
    mint_guest_token,
    mint_space_token,
    read_guest_token,
)
from sheetport.features.auth.service.imports import import_credential
from sheetport.features.auth.service.keys import (
    create_environment_keys,
    create_key,
    delete_key,
    get_publishable_key,
    list_keys,
    list_publishable_keys,
    rotate_key,
    set_origins,
)
from sheetport.features.auth.service.last_used import flush_last_used
from sheetport.features.auth.service.live import find_issuer, is_live
from sheetport.features.auth.service.mint import mint
from sheetport.features.auth.service.password_rules import check_password
from sheetport.features.auth.service.passwords import hash_new_password, hash_password, verify_password
from sheetport.features.auth.service.proofs import sweep_proofs
from sheetport.features.auth.service.refusals import explain_refusal
from sheetport.features.auth.service.reports import get_key_max_age, list_credentials, list_due
from sheetport.features.auth.service.restored import end_passing, list_lasting
from sheetport.features.auth.service.revoke import revoke_credential
from sheetport.features.auth.service.rotate import wipe_rotations
from sheetport.features.auth.service.sign_in import (
    grant_session,
    refresh,
    refuse_sign_in,
    sign_in_by_client,
    sign_in_by_password,
    with_password,
)
from sheetport.features.auth.service.tokens import (
    create_client,
    create_token,
    delete_token,
    list_clients,
    list_own,
    list_tokens,
    mint_for_device,
    rotate_client,
    rotate_token,
)
from sheetport.features.auth.service.verify import Verifier
from sheetport.features.auth.service.watch import watch_credentials

__all__ = [
    "GUEST_LIFETIME",
    "GUEST_PREFIX",
    "SPACE_PREFIX",
    "GuestClaim",
    "Verifier",
    "change_credential",
    "check_password",
    "create_client",
    "create_environment_keys",
    "create_key",
    "create_token",
    "delete_key",
    "delete_token",
    "end_credential",
    "end_passing",
    "explain_refusal",
    "find_issuer",
    "flush_last_used",
    "get_key_max_age",
    "get_publishable_key",
    "grant_session",
    "hash_new_password",
    "hash_password",
    "import_credential",
    "is_live",
    "list_clients",
    "list_credentials",
    "list_due",
    "list_keys",
    "list_lasting",
    "list_own",
    "list_publishable_keys",
    "list_tokens",
    "mint",
    "mint_for_device",
    "mint_guest_token",
    "mint_space_token",
    "read_guest_token",
    "refresh",
    "refuse_sign_in",
    "revoke_credential",
    "rotate_client",
    "rotate_key",
    "rotate_token",
    "set_key_max_age",
    "set_origins",
    "sign_in_by_client",
    "sign_in_by_password",
    "sweep_proofs",
    "verify_password",
    "watch_credentials",
    "wipe_rotations",
    "with_password",
]
