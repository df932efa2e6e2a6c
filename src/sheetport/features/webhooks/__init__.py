"""Webhooks: events of an environment or a space, posted to a URL and signed."""
