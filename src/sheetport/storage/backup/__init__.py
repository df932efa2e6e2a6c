"""Backups: one file for both databases, made while a server writes, and read back into either database.

``archive`` is the file, ``copy_text`` how it spells rows, ``sqlite`` and ``postgresql`` what the databases do,
``write`` makes one and ``fill`` reads one back. ``fill`` loads Alembic, which a server must not.
"""
