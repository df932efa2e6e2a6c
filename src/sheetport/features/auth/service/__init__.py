"""What auth does, by file: ``mint`` (new credentials), ``revoke``, ``passwords``, ``verify`` (who a
token is), ``derived`` (tokens without a row), ``last_used``."""

from sheetport.features.auth.service.derived import mint_space_token
from sheetport.features.auth.service.last_used import flush_last_used
from sheetport.features.auth.service.mint import create_environment_keys, mint
from sheetport.features.auth.service.passwords import check_password, hash_new_password, hash_password, verify_password
from sheetport.features.auth.service.revoke import revoke_credential
from sheetport.features.auth.service.verify import Verifier

__all__ = [
    "Verifier",
    "check_password",
    "create_environment_keys",
    "flush_last_used",
    "hash_new_password",
    "hash_password",
    "mint",
    "mint_space_token",
    "revoke_credential",
    "verify_password",
]
