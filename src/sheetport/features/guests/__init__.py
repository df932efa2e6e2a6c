"""Guests: people who are let into spaces, and no further."""
