"""SQL of webhooks, by file: ``webhooks`` (with their keys) and ``deliveries``."""
