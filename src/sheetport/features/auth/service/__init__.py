"""What auth does, by file: ``mint`` (new credentials), ``verify`` (who a token is), ``derived`` (tokens
without a row)."""

from sheetport.features.auth.service.derived import mint_space_token
from sheetport.features.auth.service.mint import create_environment_keys, mint
from sheetport.features.auth.service.verify import Verifier

__all__ = ["Verifier", "create_environment_keys", "mint", "mint_space_token"]
