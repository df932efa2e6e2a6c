"""Sheetport: a self-hosted data-exchange server."""

__version__ = "0.2.0.dev0"

#: The product's name, in the one place that knows it.
NAME = "Sheetport"
