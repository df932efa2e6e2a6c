"""Signing in step by step, proving oneself again, passwords, and the sessions that come of it."""
