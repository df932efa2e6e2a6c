"""Versions: ids under which older clients group what they write to a sheet."""
