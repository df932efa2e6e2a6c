"""What single sign-on does, by file: ``connections`` (the provider of an account), ``rules`` (what one may be),
``providers`` (talking to them), ``id_tokens`` (what is believed), ``persons`` (which user that is), ``checking``.
"""

from sheetport.features.sso.service.checking import check_provider
from sheetport.features.sso.service.connections import (
    delete_connection,
    find_by_id,
    find_connection,
    get_connection,
    list_names,
    open_secret,
    reseal_secrets,
    set_connection,
)
from sheetport.features.sso.service.persons import find_person, is_linked, sweep, unlink_user
from sheetport.features.sso.service.providers import Providers, person_of

__all__ = [
    "Providers",
    "check_provider",
    "delete_connection",
    "find_by_id",
    "find_connection",
    "find_person",
    "get_connection",
    "is_linked",
    "list_names",
    "open_secret",
    "person_of",
    "reseal_secrets",
    "set_connection",
    "sweep",
    "unlink_user",
]
