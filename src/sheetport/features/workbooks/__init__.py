"""Workbooks: sheets that belong together."""
