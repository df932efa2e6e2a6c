"""Routes of sign-in, keys and tokens as the API's clients know them (``keys``), and of all credentials alike, which
are our own (``credentials``)."""

from sheetport.features.auth.api.credentials import policy_router
from sheetport.features.auth.api.credentials import router as credentials_router
from sheetport.features.auth.api.keys import clients_router, router

__all__ = ["clients_router", "credentials_router", "policy_router", "router"]
