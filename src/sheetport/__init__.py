"""Sheetport: a self-hosted data-exchange server."""

__version__ = "0.1.0"

#: The product's name, in the one place that knows it.
NAME = "Sheetport"
