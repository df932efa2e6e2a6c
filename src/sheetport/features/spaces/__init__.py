"""Spaces: what one import, or one customer, works in."""
