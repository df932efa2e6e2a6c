"""Secrets and environment variables: named values that are sealed at rest."""
