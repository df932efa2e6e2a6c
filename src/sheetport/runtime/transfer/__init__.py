"""Environments as files: written and read in the command's own process, put into the database by the server's."""
