"""Calls of this server to others: only to the public internet, unless a target is allowed by name."""
