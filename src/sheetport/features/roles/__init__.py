"""Roles: named sets of permissions, and who was given which of them on what."""
