"""A whole environment as files, and from files."""
