"""What oauth does, by file: ``tokens`` (exchanged, ended, introspected), ``device`` (logins that a person approves)."""

from sheetport.features.oauth.service.device import ask, decide, find_asked, plain_code, redeem
from sheetport.features.oauth.service.tokens import exchange, introspect, revoke_token

__all__ = ["ask", "decide", "exchange", "find_asked", "introspect", "plain_code", "redeem", "revoke_token"]
