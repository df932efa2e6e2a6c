"""The database: engines, units of work, tables and migrations."""
