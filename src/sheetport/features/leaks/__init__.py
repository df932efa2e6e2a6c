"""Tokens that were found where they do not belong: whoever finds one can have it revoked."""
