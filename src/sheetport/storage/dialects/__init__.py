"""The databases: everything that differs between them is in this folder."""
