"""Tokens by the standards of OAuth 2.0: exchange for narrower ones, revocation, introspection, metadata."""
